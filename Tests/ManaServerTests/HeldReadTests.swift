import Foundation
import Glibc
import Logging
import ManaEventLoop
import ManaProtocol
import ManaTesting
import SystemPackage
import Testing

@testable import ManaServer

/// What a read says is on the disk, also when it says that something is not there.
@Suite struct HeldReadTests {
  @Test func aRefusalThatTellsOfAnAccountWaitsForTheAccount() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "mana-\(UUID().uuidString.prefix(8))").path()
    let server = try SteppedServer(
      ServerConfiguration(
        dataDirectory: FilePath("/data"), listen: .unix(path: path),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
      SteppedServer.Surroundings(
        storage: SimulatedDisk(seed: 1), random: { 7 }, onFailure: { _ in }, onReady: { _ in }))
    for _ in 0..<3 { server.turn(0) }
    let socket = try connect(to: path)
    defer { close(socket) }
    let purchase = SimulatedRequest(number: 0, .post(ItemBatch([.purchase(1, 42, 100)])))
    let lookup = SimulatedRequest(number: 1, .lookup(account: 42, id: 2))
    send(
      FrameHeader.preface + frame(.hello, 0, Hello(instance: 1, clientName: "test").encoded)
        + frame(purchase.opcode, 1, purchase.body) + frame(lookup.opcode, 2, lookup.body), to: socket)
    for _ in 0..<6 { server.turn(0) }
    #expect(statuses(in: receive(from: socket)) == [.ok], "only the welcome can have come")
    #expect(server.write(0))
    for _ in 0..<3 { server.turn(0) }
    #expect(statuses(in: receive(from: socket)) == [.ok, .transactionUnknown])
  }

  private func frame(_ opcode: Opcode, _ correlation: UInt64, _ body: [UInt8]) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: FrameHeader.bytes) + body
    frame.withUnsafeMutableBytes {
      FrameHeader.seal(
        $0.baseAddress!, FrameHeader(opcode: opcode.rawValue, correlation: correlation), bodyBytes: body.count)
    }
    return frame
  }

  /// The statuses of the frames in some bytes, behind the preface where that is there.
  private func statuses(in bytes: [UInt8]) -> [Status] {
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

  private func connect(to path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0, "nobody listens at \(path)")
    return descriptor
  }

  private func send(_ bytes: [UInt8], to socket: Int32) {
    #expect(write(socket, bytes, bytes.count) == bytes.count)
  }

  /// What has come; none when nothing has.
  private func receive(from socket: Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return Array(bytes.prefix(max(0, count)))
  }
}
