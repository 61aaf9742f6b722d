// The id of a line that names none:
//
//   fileDigest = SHA-256(every byte of the file)                                       32 bytes
//   id         = the first 16 bytes of SHA-256(fileDigest · line number)               read big-endian
//
// The line number is 8 bytes, big-endian, and counts physical lines from 1, header included; a record that spans lines
// has the number of its first. In Python:
//
//   digest = hashlib.sha256(open(path, "rb").read()).digest()
//   id = uuid.UUID(bytes=hashlib.sha256(digest + line.to_bytes(8, "big")).digest()[:16])

/// Gives each line of one file an id that depends on nothing but the file's content and the line's number, so that
/// posting the same file again repeats the same transactions instead of charging twice.
struct IDDerivation: Sendable {
  let fileDigest: SHA256.Digest

  /// The id of the line with that number. Constant time.
  func id(ofLine line: Int) -> UInt128 {
    var input = InlineArray<10, UInt32>(repeating: 0)
    for index in 0..<8 { input[index] = fileDigest[index].bigEndian }
    input[8] = UInt32(truncatingIfNeeded: line >> 32).bigEndian
    input[9] = UInt32(truncatingIfNeeded: line).bigEndian
    var hash = SHA256()
    withUnsafeBytes(of: input) { hash.update($0) }
    let digest = hash.finish()
    var id: UInt128 = 0
    for index in 0..<4 { id = id << 32 | UInt128(digest[index]) }
    return id
  }
}
