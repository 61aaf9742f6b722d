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
    guard let colon = text.lastIndex(of: ":") else { throw refuse("the port is missing") }
    let port: UInt16
    switch Self.port(text[text.index(after: colon)...]) {
    case .success(let number): port = number
    case .failure(let problem): throw refuse(problem.text)
    }
    var host = text[..<colon]
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else { throw refuse("the bracket of the IPv6 address is not closed before the port") }
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { throw refuse("brackets are for IPv6 addresses") }
    } else if host.contains(":") {
      throw refuse("an IPv6 address needs brackets")
    } else if host.contains("]") {
      throw refuse("a bracket is closed that was never opened")
    }
    if host.isEmpty { throw refuse("the host is missing") }
    if host.contains(where: \.isWhitespace) { throw refuse("the host contains white space") }
    self = .tcp(host: String(host), port: port)
  }

  private struct Problem: Error {
    let text: String
  }

  /// Decimal digits only: `UInt16.init` would also take a plus sign.
  private static func port(_ text: Substring) -> Result<UInt16, Problem> {
    if text.isEmpty { return .failure(Problem(text: "the port is missing")) }
    guard text.utf8.allSatisfy({ UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") }) else {
      return .failure(Problem(text: "the port '\(text)' is no number"))
    }
    guard let number = UInt16(text) else {
      return .failure(Problem(text: "the port '\(text)' is larger than 65535"))
    }
    return .success(number)
  }
}
