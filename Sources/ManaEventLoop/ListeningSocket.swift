import Glibc

/// Opens the sockets that listen. Each function returns a descriptor that the caller owns, and the address it is bound
/// to, with the real port.
enum ListeningSocket {
  static func open(
    _ address: ListenAddress, backlog: Int32
  ) throws(EventLoopError) -> (descriptor: Int32, bound: ListenAddress) {
    switch address {
    case .tcp(let host, let port): try openTCP(host: host, port: port, address, backlog: backlog)
    case .unix(let path): (try openUnix(path: path, address, backlog: backlog), address)
    }
  }

  /// Listens on the first address of the host that can be had.
  private static func openTCP(
    host: String, port: UInt16, _ address: ListenAddress, backlog: Int32
  ) throws(EventLoopError) -> (descriptor: Int32, bound: ListenAddress) {
    let candidates: [SocketAddress]
    switch SocketAddress.resolve(host: host, port: port) {
    case .success(let addresses): candidates = addresses
    case .failure(let failure):
      throw EventLoopError(
        "listen", name: "ELOOKUP", message: "the host could not be looked up: \(failure.message)", address: address,
        advice: "give a numeric address such as 127.0.0.1")
    }
    var code = -EADDRNOTAVAIL
    for candidate in candidates {
      let descriptor = SystemCalls.socket(domain: candidate.family)
      if descriptor < 0 {
        code = descriptor
        continue
      }
      code = listen(descriptor, on: candidate, backlog: backlog)
      if code == 0 {
        switch SystemCalls.localAddress(descriptor) {
        case .success(let bound): return (descriptor, bound.listenAddress ?? address)
        case .failure(let failure): code = failure.code
        }
      }
      SystemCalls.close(descriptor)
    }
    throw failure(code, address)
  }

  private static func listen(_ descriptor: Int32, on address: SocketAddress, backlog: Int32) -> Int32 {
    // Without this a restart would be refused for a minute, while old connections are in TIME_WAIT. On Linux it does
    // not let two servers listen on one port.
    var code = SystemCalls.setOption(descriptor, level: SOL_SOCKET, SO_REUSEADDR, to: 1)
    if code == 0 { code = SystemCalls.bind(descriptor, to: address) }
    if code == 0 { code = SystemCalls.listen(descriptor, backlog: backlog) }
    return code
  }

  private static func openUnix(
    path: String, _ address: ListenAddress, backlog: Int32
  ) throws(EventLoopError) -> Int32 {
    guard !path.isEmpty, path.utf8.count <= ListenAddress.pathBytesMax, !path.utf8.contains(0) else {
      throw EventLoopError(
        "listen", name: "ENAMETOOLONG", message: "a socket's path has 1 to \(ListenAddress.pathBytesMax) bytes",
        address: address)
    }
    try removeStaleSocket(path: path, address)
    let descriptor = SystemCalls.socket(domain: AF_UNIX)
    if descriptor < 0 { throw failure(descriptor, address) }
    var code = SystemCalls.bind(descriptor, to: SocketAddress(unixPath: path))
    if code == 0 {
      // Nobody can connect before listen(), so that the file is never open to others, whatever the umask.
      code = SystemCalls.makePrivate(path)
      if code == 0 { code = SystemCalls.listen(descriptor, backlog: backlog) }
      if code == 0 { return descriptor }
      _ = SystemCalls.remove(path)
    }
    SystemCalls.close(descriptor)
    throw failure(code, address)
  }

  /// A server that was killed leaves its socket file behind, which would keep the next one from starting. Whether
  /// somebody listens there is found out by dialling.
  private static func removeStaleSocket(path: String, _ address: ListenAddress) throws(EventLoopError) {
    switch SystemCalls.occupant(of: path) {
    case .nothing: return
    case .unknown(let code): throw failure(code, address)
    case .somethingElse:
      throw EventLoopError(
        "listen", code: -EEXIST, address: address, advice: "what is there is no socket and is left alone")
    case .socket: break
    }
    let probe = SystemCalls.socket(domain: AF_UNIX)
    if probe < 0 { throw failure(probe, address) }
    let code = SystemCalls.connect(probe, to: SocketAddress(unixPath: path))
    SystemCalls.close(probe)
    // EAGAIN says that somebody listens there whose backlog is full.
    if code == 0 || code == -EAGAIN { throw failure(-EADDRINUSE, address) }
    if code != -ECONNREFUSED { throw failure(code, address) }
    let removal = SystemCalls.remove(path)
    if removal != 0 && removal != -ENOENT { throw failure(removal, address) }
  }

  private static func failure(_ code: Int32, _ address: ListenAddress) -> EventLoopError {
    let advice: String? =
      switch code {
      case -EADDRINUSE: "another process listens there: stop it, or choose another address"
      case -EACCES: "choose a port above 1023, or a directory this user may write to"
      case -EADDRNOTAVAIL: "this machine has no such address"
      case -ENOENT: "the directory of the socket does not exist"
      default: nil
      }
    return EventLoopError("listen", code: code, address: address, advice: advice)
  }
}

/// An accepted socket on its way to the loop that will serve it. Closed when it is dropped, so that none leaks if that
/// loop has stopped.
public struct AcceptedSocket: ~Copyable, Sendable {
  /// Negative once released.
  private(set) var descriptor: Int32
  /// What the connection is encrypted with; nil in the clear.
  let tls: TLSContext?

  /// Takes over a connected stream socket; the descriptor belongs to this value from here on.
  public init(owning descriptor: Int32, tls: TLSContext? = nil) {
    self.descriptor = descriptor
    self.tls = tls
  }

  /// Gives the descriptor to a new owner.
  consuming func release() -> Int32 {
    let released = descriptor
    descriptor = -1
    return released
  }

  deinit {
    if descriptor >= 0 { SystemCalls.close(descriptor) }
  }
}
