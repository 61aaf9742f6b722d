/// Where a server listens.
///
/// As text: `127.0.0.1:7420`, `ledger.example.com:7420`, `[::1]:7420`, `unix:/run/mana.sock`.
public enum ManaAddress: Hashable, Sendable {
  /// A TCP port of a host, which is a name or a numeric address, an IPv6 one without its brackets.
  case hostPort(host: String, port: Int)
  /// A Unix stream socket.
  case unixSocket(path: String)
}

extension ManaAddress: LosslessStringConvertible {
  /// Parses the text form. Nil when the port is missing or no port, or the host or the path is empty.
  public init?(_ text: String) {
    let scheme = "unix:"
    if text.hasPrefix(scheme) {
      let path = String(text.dropFirst(scheme.count))
      guard !path.isEmpty else { return nil }
      self = .unixSocket(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
      text[text.index(after: colon)...].utf8.allSatisfy({ $0 >= UInt8(ascii: "0") })
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      // Without brackets it cannot be told where an IPv6 address ends and the port begins.
      return nil
    }
    guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" || $0 == "/" || $0.isWhitespace }) else {
      return nil
    }
    self = .hostPort(host: String(host), port: Int(port))
  }

  /// The form that ``init(_:)`` parses.
  public var description: String {
    switch self {
    case .hostPort(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unixSocket(let path): "unix:\(path)"
    }
  }
}
