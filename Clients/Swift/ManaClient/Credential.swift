#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

extension ManaClient {
  /// By what a server knows this client. A secret: neither its description nor a dump of it shows what it is.
  public struct Credential: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
  {
    /// What goes into the handshake.
    package let token: String

    /// A token as `mana-server token create` printed it. White space around it, such as the end of a file's line, is
    /// left out. A server takes it over TLS or from the same machine, and not otherwise.
    public static func token(_ token: String) -> Credential {
      var text = Substring(token)
      while text.first?.isWhitespace == true { text.removeFirst() }
      while text.last?.isWhitespace == true { text.removeLast() }
      return Credential(token: String(text))
    }

    /// The token in a file, read once, now. Throws ``ManaError/Code/invalidArgument`` when there is none to be read.
    public static func token(file path: String) throws(ManaError) -> Credential {
      guard let file = fopen(path, "re") else {
        throw unreadable(path, "cannot be opened: \(String(cString: strerror(errno)))")
      }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: ClientLimits.tokenBytesMax + 1)
      let count = fread(&bytes, 1, bytes.count, file)
      guard ferror(file) == 0 else { throw unreadable(path, "cannot be read: \(String(cString: strerror(errno)))") }
      guard count <= ClientLimits.tokenBytesMax, let text = String(validating: bytes[..<count], as: UTF8.self) else {
        throw unreadable(path, "is no token: it is longer than a token can be, or no text")
      }
      let credential = token(text)
      guard !credential.token.isEmpty else { throw unreadable(path, "is empty") }
      return credential
    }

    private static func unreadable(_ path: String, _ problem: String) -> ManaError {
      ManaError(.invalidArgument, execution: .notExecuted, message: "the token file \(path) \(problem)")
    }

    /// Says that there is a token, and not which.
    public var description: String { "token (not shown)" }
    /// Says that there is a token, and not which.
    public var debugDescription: String { description }
    /// Empty, so that a dump does not show the token.
    public var customMirror: Mirror { Mirror(self, children: []) }
  }
}
