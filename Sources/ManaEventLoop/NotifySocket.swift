import Glibc

/// The socket on which a service manager hears how a process is: sd_notify(3), without its library.
///
/// A message is one datagram of lines `KEY=VALUE` to the Unix socket that `NOTIFY_SOCKET` names: a path, or a name
/// in the abstract namespace that is written with `@` as its first character.
public final class NotifySocket: Sendable {
  private let descriptor: Int32
  private let path: String

  /// - Throws: When the path is none, or the process has no descriptor left.
  public init(path: String) throws(EventLoopError) {
    guard path.first == "/" || path.first == "@", path.utf8.count <= ListenAddress.pathBytesMax,
      !path.utf8.contains(0)
    else {
      throw EventLoopError(
        "notify the service manager", name: "EINVAL",
        message: "NOTIFY_SOCKET is '\(path)', which is neither an absolute path nor @NAME, of at most "
          + "\(ListenAddress.pathBytesMax) bytes")
    }
    self.path = path
    descriptor = SystemCalls.datagramSocket()
    if descriptor < 0 { throw EventLoopError("notify the service manager", code: descriptor) }
  }

  deinit { SystemCalls.close(descriptor) }

  /// Sends a message. From any thread.
  ///
  /// - Parameter mayWait: Whether to wait, for at most a second, when the manager's queue is full; without, the message
  ///   is lost then.
  /// - Throws: What the system refused: the manager is gone, or does not listen.
  public func send(_ lines: [String], mayWait: Bool) throws(EventLoopError) {
    let message = Array(lines.joined(separator: "\n").utf8)
    let address = SocketAddress(unixPath: path, orAbstract: true)
    let code = SystemCalls.sendDatagram(descriptor, message, to: address, mayWait: mayWait)
    if code < 0 {
      throw EventLoopError("notify the service manager", code: code, address: .unix(path: path))
    }
  }
}
