/// Where a server listens: a TCP address or a Unix socket.
///
/// As text it is `127.0.0.1:7420`, `[::1]:7420`, `localhost:7420` or `unix:/run/mana.sock`; `description` writes what
/// `init(parsing:)` reads.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A host name or a numeric address (IPv6 without brackets), and a port; port 0 lets the system choose.
  case tcp(host: String, port: UInt16)
  /// The path of a Unix socket.
  case unix(path: String)

  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

extension ListenAddress {
  /// Whether only this machine can connect: a Unix socket, or a loopback address. Another host name than `localhost`
  /// may mean anything.
  public var isOnThisMachine: Bool {
    switch self {
    case .unix: true
    case .tcp(let host, _): host == "localhost" || Self.isLoopback(host: host)
    }
  }

  /// Whether a numeric host is a loopback address: 127.0.0.0/8, that within IPv6, or ::1.
  static func isLoopback(host: String) -> Bool {
    if host == "::1" { return true }
    let address = host.hasPrefix("::ffff:") ? host.dropFirst("::ffff:".count) : host[...]
    let parts = address.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// A text that is no address, with the reason and an example of one that is.
public struct ListenAddressError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text as it was given.
  public let text: String
  /// What is wrong with it.
  public let problem: String

  public var description: String {
    "'\(text)' is no address: \(problem); write for example 127.0.0.1:7420, [::1]:7420 or unix:/run/mana.sock"
  }
}

extension ListenAddress {
  /// The longest path of a Unix socket: `sun_path` is 108 bytes with its terminating zero.
  static let pathBytesMax = 107

  /// Reads an address; the host is not looked up here.
  ///
  /// - Throws: What is wrong with the text, in words for whoever typed it.
  public init(parsing text: String) throws(ListenAddressError) {
    func refuse(_ problem: String) -> ListenAddressError { ListenAddressError(text: text, problem: problem) }
    if text.isEmpty { throw refuse("it is empty") }
    if text.utf8.contains(0) { throw refuse("it contains a zero byte") }
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      if path.isEmpty { throw refuse("the path of the socket is missing") }
      if path.utf8.count > Self.pathBytesMax {
        throw refuse("the path of a Unix socket has at most \(Self.pathBytesMax) bytes, this one \(path.utf8.count)")
      }
      self = .unix(path: path)
      return
    }
    if text.contains("://") { throw refuse("it is a URL") }
    if text.contains("/") { throw refuse("a path needs the prefix 'unix:'") }
    let (host, port) = try Self.split(text, refuse)
    if host.isEmpty { throw refuse("the host is missing") }
    if host.contains(where: \.isWhitespace) { throw refuse("the host contains white space") }
    if port.isEmpty { throw refuse("the port is missing") }
    // `UInt16.init` would also take a plus sign.
    guard port.utf8.allSatisfy({ UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") }) else {
      throw refuse("the port '\(port)' is no number")
    }
    guard let number = UInt16(port) else { throw refuse("the port '\(port)' is larger than 65535") }
    self = .tcp(host: String(host), port: number)
  }

  /// Divides `host:port` and `[IPv6]:port`.
  private static func split(
    _ text: String, _ refuse: (String) -> ListenAddressError
  ) throws(ListenAddressError) -> (host: Substring, port: Substring) {
    if text.hasPrefix("[") {
      guard let bracket = text.firstIndex(of: "]") else { throw refuse("the bracket is not closed") }
      let host = text[text.index(after: text.startIndex)..<bracket]
      let rest = text[text.index(after: bracket)...]
      guard rest.hasPrefix(":") else { throw refuse("the port is missing") }
      guard host.contains(":") else { throw refuse("brackets are for IPv6 addresses") }
      return (host, rest.dropFirst())
    }
    guard let colon = text.lastIndex(of: ":") else { throw refuse("the port is missing") }
    let host = text[..<colon]
    if host.contains("]") { throw refuse("a bracket is closed that was never opened") }
    if host.contains(":") { throw refuse("an IPv6 address needs brackets") }
    return (host, text[text.index(after: colon)...])
  }
}
