internal import COpenSSL

/// The secret of a caller: 256 random bits, as text `mana_` and 43 characters of base64url. The prefix lets scanners of
/// repositories and logs recognize one that has leaked.
///
/// It is shown when it is made and kept nowhere; what is stored is the digest of its text. It never describes itself.
public struct Token: Sendable, CustomStringConvertible, CustomReflectable {
  public static let prefix = "mana_"
  private static let secretBytes = 32

  /// The secret itself, to be shown once.
  public let secret: String

  /// A new one from the system's generator.
  public static func make() -> Token {
    var bytes = [UInt8](repeating: 0, count: secretBytes)
    precondition(RAND_bytes(&bytes, Int32(secretBytes)) == 1, "the library has no randomness")
    return Token(secret: prefix + base64URL(bytes))
  }

  /// What is stored of it.
  public var digest: SHA256Digest { SHA256Digest(of: Array(secret.utf8)) }

  public var description: String { "a token (not shown)" }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// RFC 4648 section 5, without padding.
  private static func base64URL(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    var pending: UInt32 = 0
    var bits = 0
    for byte in bytes {
      pending = pending << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(alphabet[Int(pending >> UInt32(bits) & 63)])
      }
    }
    if bits > 0 { text.append(alphabet[Int(pending << UInt32(6 - bits) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }
}
