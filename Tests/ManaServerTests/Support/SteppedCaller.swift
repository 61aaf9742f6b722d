import Foundation
import Glibc
import Logging
import ManaEventLoop
import ManaProtocol
import ManaTesting
import SystemPackage
import Testing

@testable import ManaServer

/// A server that moves only when told to, over a simulated disk and a real socket.
struct SteppedBench {
  let server: SteppedServer
  private let path: String

  init(itemsPerTurn: Int? = nil) throws {
    path = FileManager.default.temporaryDirectory.appending(path: "mana-\(UUID().uuidString.prefix(8))").path()
    server = try SteppedServer(
      ServerConfiguration(
        dataDirectory: FilePath("/data"), listen: .unix(path: path),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
      SteppedServer.Surroundings(
        storage: SimulatedDisk(seed: 1), random: { 7 }, itemsPerTurn: itemsPerTurn, onFailure: { _ in },
        onReady: { _ in }))
    turn(3)
  }

  func turn(_ count: Int = 1) { for _ in 0..<count { server.turn(0) } }

  /// Turns until `isDone`; a turn comes with the next event, whichever that is, or the tick. False when it never is.
  func turn(until isDone: () -> Bool) -> Bool {
    for _ in 0..<40 {
      if isDone() { return true }
      server.turn(0)
    }
    return isDone()
  }

  /// The statuses of the next `count` replies; of fewer when they do not come. Blocks are written where `writes`.
  func replies(_ count: Int, to caller: SteppedCaller, writing writes: Bool = true) -> [Status] {
    var statuses: [Status] = []
    _ = turn {
      if writes { while server.write(0) {} }
      statuses += caller.receive()
      return statuses.count >= count
    }
    return statuses
  }

  /// A connection whose hello is on its way.
  func connect() throws -> SteppedCaller {
    let caller = try SteppedCaller(connectingTo: path)
    caller.send(FrameHeader.preface + SteppedCaller.frame(.hello, 0, Hello(instance: 1, clientName: "test").encoded))
    return caller
  }
}

/// The other end of a connection to a `SteppedBench`.
final class SteppedCaller {
  private let descriptor: Int32

  fileprivate init(connectingTo path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0, "nobody listens at \(path)")
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) { #expect(write(descriptor, bytes, bytes.count) == bytes.count) }

  func send(_ request: SimulatedRequest, correlation: UInt64 = 1) {
    send(Self.frame(request.opcode, correlation, request.body))
  }

  /// The statuses of the frames that have come; none when nothing has.
  func receive() -> [Status] {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return Self.statuses(in: Array(bytes.prefix(max(0, count))))
  }

  static func frame(_ opcode: Opcode, _ correlation: UInt64, _ body: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: FrameHeader.bytes) + body
    frame.withUnsafeMutableBytes {
      FrameHeader.seal(
        $0.baseAddress!, FrameHeader(opcode: opcode.rawValue, correlation: correlation), bodyBytes: body.count)
    }
    return frame
  }

  /// Behind the preface where that is there.
  private static func statuses(in bytes: [UInt8]) -> [Status] {
    var statuses: [Status] = []
    bytes.withUnsafeBytes { buffer in
      var offset = buffer.starts(with: FrameHeader.preface) ? FrameHeader.preface.count : 0
      while offset < buffer.count, let header = try? FrameHeader(reading: buffer.baseAddress! + offset) {
        statuses.append(Status(rawValue: header.status) ?? .malformedHeader)
        offset += header.length
      }
    }
    return statuses
  }
}
