import Glibc
import ManaProtocol

/// A blocking socket that sends and receives frames as bytes, for what a well-behaved client never does.
final class RawConnection {
  struct Closed: Error {}

  private let descriptor: Int32

  /// Connects to 127.0.0.1, with a time limit for each read and write.
  init(port: UInt16, timeoutSeconds: Int = 20) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Closed() }
    var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Closed() }
      sent += count
    }
  }

  /// Ends the sending side only.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Exactly `count` bytes; throws at the end of the stream.
  func receive(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let more = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + received, count - received, 0) }
      guard more > 0 else { throw Closed() }
      received += more
    }
    return bytes
  }

  /// Everything until the server closes.
  func receiveToEnd() -> [UInt8] {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return all }
      all += chunk[..<count]
    }
  }

  /// One frame, its checksums compared.
  func receiveFrame() throws -> (header: FrameHeader, body: [UInt8]) {
    let head = try receive(FrameHeader.bytes)
    let header = try head.withUnsafeBytes { try FrameHeader(reading: $0.baseAddress!) }
    let frame = try head + receive(header.length - FrameHeader.bytes)
    return (header, try frame.withUnsafeBytes { [UInt8](try header.body(at: $0.baseAddress!)) })
  }

  /// Preface and hello, answered by preface and welcome.
  @discardableResult
  func shakeHands(_ hello: Hello = Hello(instance: 1, clientName: "test")) throws -> Welcome {
    try send(FrameHeader.preface + frame(.hello, correlation: 0, body: hello.encoded))
    guard try receive(8) == FrameHeader.preface else { throw Closed() }
    let (header, body) = try receiveFrame()
    guard header.opcode == Opcode.welcome.rawValue else { throw Closed() }
    return try body.withUnsafeBytes { try Welcome(reading: $0) }
  }
}

/// A whole request frame. `body` is padded to words.
func frame(
  _ opcode: Opcode, correlation: UInt64, body: [UInt8], microseconds: UInt32 = 0, trace: TraceContext? = nil
) -> [UInt8] {
  var padded = body + [UInt8](repeating: 0, count: paddedToWords(body.count) - body.count)
  if let trace {
    var extensions = [UInt8](repeating: 0, count: TraceContext.bytes)
    extensions.withUnsafeMutableBytes { trace.store(to: $0.baseAddress!) }
    padded = extensions + padded
  }
  var bytes = [UInt8](repeating: 0, count: FrameHeader.bytes) + padded
  bytes.withUnsafeMutableBytes {
    FrameHeader.seal(
      $0.baseAddress!, FrameHeader(opcode: opcode.rawValue, correlation: correlation, microseconds: microseconds),
      bodyBytes: padded.count)
    // The checksum of the body covers the extensions, so that only the header's own has to be made anew.
    guard trace != nil, let base = $0.baseAddress else { return }
    base.store(u8: UInt8((FrameHeader.bytes + TraceContext.bytes) / 8), 5)
    base.store(u32: crc32c(UnsafeRawBufferPointer(start: base, count: 28)), 28)
  }
  return bytes
}

/// The body of a posting call.
func batchBody(_ items: [Item], texts: [String] = [], flags: BatchFlags = []) -> [UInt8] {
  let text = texts.flatMap { Array($0.utf8) }
  var bytes = [UInt8](repeating: 0, count: BatchView.bodyBytes(count: items.count, textBytes: text.count))
  bytes.withUnsafeMutableBytes { body in
    let base = body.baseAddress!
    BatchView.storePrelude(to: base, count: items.count, textBytes: text.count, flags: flags)
    for (index, item) in items.enumerated() { item.store(to: base + BatchView.preludeBytes + index * Item.bytes) }
    let end = BatchView.preludeBytes + items.count * Item.bytes
    for (index, byte) in text.enumerated() { body[end + index] = byte }
  }
  return bytes
}
