internal import COpenSSL

/// A SHA-256 digest: 32 bytes.
public struct SHA256Digest: Sendable {
  static let bytesCount = 32

  public let bytes: [UInt8]

  /// The digest of a message. Linear.
  public init(of message: [UInt8]) {
    bytes = [UInt8](unsafeUninitializedCapacity: Self.bytesCount) { buffer, count in
      var length: UInt32 = 0
      let status = EVP_Digest(message, message.count, buffer.baseAddress, &length, EVP_sha256(), nil)
      precondition(status == 1 && length == Self.bytesCount, "the library cannot compute SHA-256")
      count = Self.bytesCount
    }
  }

  /// Reads 64 hexadecimal digits; nil for anything else.
  public init?(hexadecimal text: some StringProtocol) {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 2 * Self.bytesCount else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    self.bytes = bytes
  }

  public var hexadecimal: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Whether both are the same, in a time that does not depend on where they differ.
  public func matches(_ other: SHA256Digest) -> Bool {
    CRYPTO_memcmp(bytes, other.bytes, Self.bytesCount) == 0
  }
}
