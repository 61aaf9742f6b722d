import Glibc

/// Who is at the other end, read when the connection begins, because a closed socket no longer knows.
enum Peer {
  case internet(SocketAddress)
  case local(process: Int32?)
  case unknown

  init(of descriptor: Int32) {
    // A peer that is already gone has no address any more; the connection will end by itself.
    guard case .success(let address) = SystemCalls.peerAddress(descriptor) else {
      self = .unknown
      return
    }
    switch address.family {
    case AF_INET, AF_INET6: self = .internet(address)
    case AF_UNIX: self = .local(process: SystemCalls.peerProcess(descriptor))
    default: self = .unknown
    }
  }

  var description: String {
    switch self {
    case .internet(let address): ListenAddress.tcp(host: address.host, port: address.port).description
    case .local(.some(let process)): "unix:process \(process)"
    case .local(nil): "unix"
    case .unknown: "unknown"
    }
  }
}
