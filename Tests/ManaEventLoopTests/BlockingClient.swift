import Glibc
import ManaEventLoop

/// A plain blocking socket, as the other end of the loops under test.
struct BlockingClient: ~Copyable {
  let descriptor: Int32

  struct Failure: Error {
    let call: String
    let code: Int32
  }

  /// - Parameter receiveBufferBytes: Size of the kernel's receive buffer; small ones make a slow reader felt at once.
  init(_ address: ListenAddress, receiveBufferBytes: Int32? = nil) throws {
    let isUnix = if case .unix = address { true } else { false }
    descriptor = socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
    if var bytes = receiveBufferBytes { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, 4) }
    // Ends a test that would hang.
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    let status =
      switch address {
      case .tcp(_, let port): Self.connect(descriptor, port: port)
      case .unix(let path): Self.connect(descriptor, path: path)
      }
    guard status == 0 else { throw Failure(call: "connect", code: errno) }
  }

  deinit {
    close(descriptor)
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(call: "send", code: errno) }
      sent += count
    }
  }

  /// Exactly so many bytes, or what came before the end.
  func receive(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let part = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + received, count - received, 0) }
      guard part >= 0 else { throw Failure(call: "recv", code: errno) }
      if part == 0 { break }
      received += part
    }
    return Array(bytes[..<received])
  }

  func receiveToEnd() throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let part = try receive(1 << 16)
      all += part
      if part.count < 1 << 16 { return all }
    }
  }

  func endOutput() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Makes the close that follows a reset.
  func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  private static func connect(_ descriptor: Int32, port: UInt16) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func connect(_ descriptor: Int32, path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// A directory for one test's sockets, removed with all that is in it.
struct SocketDirectory: ~Copyable {
  let path: String

  init() {
    var template = Array("/tmp/mana-loop-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  func address(_ name: String) -> ListenAddress { .unix(path: "\(path)/\(name)") }

  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(cString: $0.assumingMemoryBound(to: CChar.self).baseAddress!)
        }
        unlink("\(path)/\(name)")
      }
      closedir(directory)
    }
    rmdir(path)
  }
}
