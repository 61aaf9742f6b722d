import CLibuv
import Glibc

/// The one door to the system's calls that libuv does not make for us. Each returns its result or a negated `errno`,
/// as libuv does. Calls that a signal may interrupt are repeated here; `close` is not, because on Linux the descriptor
/// is gone either way.
enum SystemCalls {
  /// A socket that neither blocks nor is inherited.
  static func socket(domain: Int32) -> Int32 {
    checked(Glibc.socket(domain, Int32(SOCK_STREAM.rawValue) | nonBlocking | closeOnExec, 0))
  }

  /// A socket for datagrams between processes; a send that may wait does so for a second.
  static func datagramSocket() -> Int32 {
    let descriptor = checked(Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | closeOnExec, 0))
    guard descriptor >= 0 else { return descriptor }
    var timeout = timeval(tv_sec: 1, tv_usec: 0)
    let code = checked(
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size)))
    if code == 0 { return descriptor }
    close(descriptor)
    return code
  }

  /// The number of bytes sent, which is all of them.
  static func sendDatagram(
    _ descriptor: Int32, _ bytes: [UInt8], to address: borrowing SocketAddress, mayWait: Bool
  ) -> Int32 {
    let flags = Int32(MSG_NOSIGNAL) | (mayWait ? 0 : Int32(MSG_DONTWAIT))
    return address.withPointer { pointer, length in
      repeating { Int32(clamping: sendto(descriptor, bytes, bytes.count, flags, pointer, length)) }
    }
  }

  static func processIdentifier() -> Int32 { getpid() }

  /// Whether a descriptor is a stream socket on which `listen` was called.
  static func isListeningStream(_ descriptor: Int32) -> Bool {
    option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue) && option(descriptor, SO_ACCEPTCONN) == 1
  }

  private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return checked(getsockopt(descriptor, SOL_SOCKET, name, &value, &length)) == 0 ? value : nil
  }

  /// Gives a descriptor that came from outside the properties that our own sockets have.
  static func makeNonBlockingAndOwn(_ descriptor: Int32) -> Int32 {
    let flags = checked(fcntl(descriptor, F_GETFL))
    if flags < 0 { return flags }
    let code = checked(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK))
    return code < 0 ? code : checked(fcntl(descriptor, F_SETFD, FD_CLOEXEC))
  }

  static func bind(_ descriptor: Int32, to address: borrowing SocketAddress) -> Int32 {
    address.withPointer { checked(Glibc.bind(descriptor, $0, $1)) }
  }

  static func connect(_ descriptor: Int32, to address: borrowing SocketAddress) -> Int32 {
    address.withPointer { pointer, length in
      repeating { Glibc.connect(descriptor, pointer, length) }
    }
  }

  static func listen(_ descriptor: Int32, backlog: Int32) -> Int32 {
    checked(Glibc.listen(descriptor, backlog))
  }

  static func accept(_ descriptor: Int32) -> Int32 {
    repeating { accept4(descriptor, nil, nil, nonBlocking | closeOnExec) }
  }

  /// Raises what this process may open towards `count` files, as far as the system lets it. What it may open then.
  static func allowOpenFiles(_ count: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(files, &limit) == 0 else { return 0 }
    if limit.rlim_cur < rlim_t(count) {
      let before = limit
      limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
      if setrlimit(files, &limit) != 0 { limit = before }
    }
    return Int(clamping: limit.rlim_cur)
  }

  private static let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  static func setOption(_ descriptor: Int32, level: Int32, _ option: Int32, to value: Int32) -> Int32 {
    var value = value
    return checked(setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)))
  }

  /// Sends a FIN: the peer sees the end of what was sent, and may still send.
  static func shutdownOutput(_ descriptor: Int32) -> Int32 {
    checked(Glibc.shutdown(descriptor, Int32(SHUT_WR)))
  }

  /// Closes a descriptor that nobody else uses. Its errors say nothing about a socket that one could act on, except
  /// EBADF, which means that the descriptor was not ours.
  static func close(_ descriptor: Int32) {
    let status = checked(Glibc.close(descriptor))
    precondition(status != -EBADF, "descriptor \(descriptor) was closed twice")
  }

  /// A descriptor that is good for nothing but to be closed when none is left; negative if there is none now.
  static func openReserve() -> Int32 {
    repeating { Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) }
  }

  static func localAddress(_ descriptor: Int32) -> Result<SocketAddress, SystemFailure> {
    SocketAddress.read { getsockname(descriptor, $0, $1) }
  }

  static func peerAddress(_ descriptor: Int32) -> Result<SocketAddress, SystemFailure> {
    SocketAddress.read { getpeername(descriptor, $0, $1) }
  }

  /// `struct ucred`.
  typealias PeerCredentials = (process: Int32, user: UInt32, group: UInt32)

  /// Who connected at the other end of a Unix socket.
  static func peerCredentials(_ descriptor: Int32) -> PeerCredentials? {
    var credentials: PeerCredentials = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: credentials))
    let status = checked(getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length))
    return status == 0 ? credentials : nil
  }

  /// What is at a path.
  enum Occupant: Equatable {
    case nothing, socket, somethingElse, unknown(code: Int32)
  }

  static func occupant(of path: String) -> Occupant {
    var status = stat()
    let code = checked(lstat(path, &status))
    if code == -ENOENT { return .nothing }
    if code != 0 { return .unknown(code: code) }
    return status.st_mode & S_IFMT == S_IFSOCK ? .socket : .somethingElse
  }

  static func remove(_ path: String) -> Int32 {
    checked(unlink(path))
  }

  /// Lets only the owner connect.
  static func makePrivate(_ path: String) -> Int32 {
    checked(chmod(path, 0o600))
  }

  /// A write to a connection that the peer has closed then is an error of that write instead of the end of the process.
  static func ignoreBrokenPipeSignal() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Lets a signal reach this thread: whoever started the process may have blocked it, and a mask is inherited.
  static func unblock(_ number: Int32) {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, number)
    let status = pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    precondition(status == 0, "signal \(number) cannot be unblocked")
  }

  /// Names the calling thread for the system's tools, which show 15 bytes.
  static func nameThread(_ name: String) {
    _ = String(decoding: name.utf8.prefix(15), as: UTF8.self).withCString { pthread_setname_np(pthread_self(), $0) }
  }

  /// Lets other threads go first where processors are scarce: about a tenth of their time is left to this one.
  static func giveWay() {
    // Of Linux, where a thread has a priority of its own. Without it the thread is only less considerate.
    _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
  }

  private static var nonBlocking: Int32 { Int32(SOCK_NONBLOCK.rawValue) }
  private static var closeOnExec: Int32 { Int32(SOCK_CLOEXEC.rawValue) }

  /// The result of a call, or the negated `errno`.
  static func checked(_ result: Int32) -> Int32 {
    result < 0 ? -errno : result
  }

  private static func repeating(_ call: () -> Int32) -> Int32 {
    while true {
      let result = checked(call())
      if result != -EINTR { return result }
    }
  }
}

/// A negated `errno` as an error.
struct SystemFailure: Error {
  let code: Int32
}
