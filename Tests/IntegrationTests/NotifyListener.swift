import Glibc

/// The end of a notification socket where systemd would be: takes datagrams of `KEY=VALUE` lines.
final class NotifyListener {
  struct Failed: Error { let call: String }

  private let descriptor: Int32
  /// What stands in `NOTIFY_SOCKET`: a path, or `@` and a name.
  let path: String

  init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let isAbstract = path.hasPrefix("@")
    withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      bytes.copyBytes(from: path.utf8)
      if isAbstract { bytes[0] = 0 }
    }
    let length = socklen_t(2 + path.utf8.count + (isAbstract ? 0 : 1))
    let status = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard status == 0 else { throw Failed(call: "bind") }
  }

  deinit { close(descriptor) }

  /// The next message's lines; nil when none comes in time.
  func next(within seconds: Double) -> [String]? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, Int32(seconds * 1_000)) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { return nil }
    return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The next message with such a line, within the time for each; others are passed over.
  func next(with line: String, within seconds: Double = 30) throws -> [String] {
    while let message = next(within: seconds) {
      if message.contains(where: { $0.hasPrefix(line) }) { return message }
    }
    throw Failed(call: "receive \(line)")
  }

  /// How many messages with a line come in so many seconds.
  func count(of line: String, in seconds: Double) -> Int {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var count = 0
    while clock.now < end {
      let left = end - clock.now
      guard let message = next(within: left / .seconds(1)) else { break }
      if message.contains(line) { count += 1 }
    }
    return count
  }
}
