import Glibc

/// A listening socket that whoever started the process has opened: socket activation, sd_listen_fds(3). Callers can
/// connect to it before the process is ready, and while it is started anew.
public struct InheritedSocket: Sendable {
  /// What the one who opened it calls it, such as `FileDescriptorName=` in a systemd socket unit.
  public let name: String
  /// Where it is bound.
  public let address: ListenAddress
  let descriptor: Int32

  /// The first descriptor that is handed over; the others follow it.
  private static let firstDescriptor: Int32 = 3
  private static let countMax: Int32 = 64

  /// The number of this process.
  public static var thisProcess: Int32 { SystemCalls.processIdentifier() }

  /// The sockets that were handed to this process, which owns them from here on. Once, before it opens anything.
  ///
  /// - Parameters:
  ///   - count: The variable `LISTEN_FDS`.
  ///   - process: `LISTEN_PID`: for whom they are.
  ///   - names: `LISTEN_FDNAMES`, separated by colons.
  /// - Throws: When one is no stream socket that listens.
  public static func all(
    count: String?, process: String?, names: String?
  ) throws(EventLoopError) -> [InheritedSocket] {
    guard let count, let process, process == "\(thisProcess)" else { return [] }
    guard let number = Int32(count), (0...countMax).contains(number) else {
      throw EventLoopError(
        "take the sockets of LISTEN_FDS", name: "EINVAL", message: "it is '\(count)', not 0 to \(countMax)")
    }
    let names = names?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
    var sockets: [InheritedSocket] = []
    for index in 0..<number {
      let name = Int(index) < names.count ? names[Int(index)] : ""
      sockets.append(try InheritedSocket(owning: firstDescriptor + index, name: name))
    }
    return sockets
  }

  /// Takes over a descriptor, which from then on neither blocks nor is inherited.
  init(owning descriptor: Int32, name: String) throws(EventLoopError) {
    let operation = "listen on descriptor \(descriptor), which was handed over as '\(name)'"
    guard case .success(let bound) = SystemCalls.localAddress(descriptor), let address = bound.anyListenAddress,
      SystemCalls.isListeningStream(descriptor)
    else {
      throw EventLoopError(
        operation, name: "EINVAL", message: "it is no stream socket that listens",
        advice: "a systemd socket unit has ListenStream= for it, and Accept=no")
    }
    let code = SystemCalls.makeNonBlockingAndOwn(descriptor)
    if code != 0 { throw EventLoopError(operation, code: code) }
    self.name = name
    self.address = address
    self.descriptor = descriptor
  }
}
