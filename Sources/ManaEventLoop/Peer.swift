import Glibc

/// Who is at the other end, read when the connection begins, because a closed socket no longer knows.
enum Peer {
  case internet(SocketAddress)
  case local(process: Int32?, user: UInt32?)
  case unknown

  init(of descriptor: Int32) {
    // A peer that is already gone has no address any more; the connection will end by itself.
    guard case .success(let address) = SystemCalls.peerAddress(descriptor) else {
      self = .unknown
      return
    }
    switch address.family {
    case AF_INET, AF_INET6: self = .internet(address)
    case AF_UNIX:
      let peer = SystemCalls.peerCredentials(descriptor)
      self = .local(process: peer?.process, user: peer?.user)
    default: self = .unknown
    }
  }

  /// Whether what it sends crosses no network: a Unix socket, or a loopback address. False where that is not known.
  var isOnThisMachine: Bool {
    switch self {
    case .internet(let address): ListenAddress.isLoopback(host: address.host)
    case .local: true
    case .unknown: false
    }
  }

  /// The user at the other end of a Unix socket.
  var user: UInt32? {
    if case .local(_, let user) = self { user } else { nil }
  }

  /// Where it is, whichever socket it uses: its address without the port, or its user.
  var host: String {
    switch self {
    case .internet(let address): address.host
    case .local(_, .some(let user)): "unix:user \(user)"
    case .local(_, nil): "unix"
    case .unknown: "unknown"
    }
  }

  var description: String {
    switch self {
    case .internet(let address): ListenAddress.tcp(host: address.host, port: address.port).description
    case .local(.some(let process), _): "unix:process \(process)"
    case .local(nil, _): "unix"
    case .unknown: "unknown"
    }
  }
}
