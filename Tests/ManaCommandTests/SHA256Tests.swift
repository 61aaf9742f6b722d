import Testing

@testable import mana

@Suite("SHA-256 and the ids that follow from it")
struct SHA256Tests {
  /// Vectors of FIPS 180-4's examples, and lengths around a block's end, from Python's hashlib.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func digest(message: String, expected: String) {
    // In pieces of several lengths, so that blocks begin and end everywhere.
    for piece in [1, 63, 64, 65, 1_000_003] where piece > 1 || message.count < 1_000 {
      var hash = SHA256()
      let bytes = Array(message.utf8)
      for start in stride(from: 0, to: bytes.count, by: piece) {
        bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { hash.update($0) }
      }
      #expect(hexadecimal(hash.finish()) == expected, "in pieces of \(piece)")
    }
  }

  private func hexadecimal(_ digest: SHA256.Digest) -> String {
    var text = ""
    for index in 0..<8 {
      let word = String(digest[index], radix: 16)
      text += String(repeating: "0", count: 8 - word.count) + word
    }
    return text
  }
}
