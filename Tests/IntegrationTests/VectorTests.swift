import Foundation
import ManaProtocol
import Testing

/// Every golden frame that a client can send, sent to the real server.
@Suite struct VectorTests {
  /// One vector of `Protocol/vectors`; see the README there.
  struct Vector: Decodable, Sendable, CustomStringConvertible {
    struct Failure: Decodable, Sendable {
      let level: String
      let status: String
      let alternatives: [String]?
      let condition: String?
      let connectionSurvives: Bool
      let answer: String?
      let itemStatuses: [String?]?
    }

    let name: String
    let direction: String
    let stage: String
    let hex: String
    let valid: Bool
    let error: Failure?

    var description: String { name }

    var bytes: [UInt8] {
      let digits = Array(hex.utf8)
      return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
      }
    }

    /// The statuses that the specification permits.
    var statuses: Set<String> { Set([error?.status ?? "ok"] + (error?.alternatives ?? [])) }
  }

  private struct File: Decodable {
    let vectors: [Vector]
  }

  private static func vectors(stage: String) throws -> [Vector] {
    let folder = Programs.root.appending(path: "Protocol/vectors")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }
    #expect(files.count >= 10)
    return try files.flatMap { try JSONDecoder().decode(File.self, from: Data(contentsOf: $0)).vectors }
      .filter { $0.direction == "client" && $0.stage == stage }
  }

  @Test func establishedFramesGetTheirAnswerAndTheConnectionItsFate() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    // What ends the server is in DrainTests.
    let vectors = try Self.vectors(stage: "established").filter { $0.name != "drain" }
    #expect(vectors.count > 200)
    for vector in vectors {
      let connection = try RawConnection(port: server.port)
      try connection.shakeHands()
      try connection.send(vector.bytes)
      let reply = try connection.receiveFrame()
      let status = try #require(Status(rawValue: reply.header.status)?.name, "\(vector)")
      switch vector.error?.level {
      case "connection":
        #expect(reply.header.opcode == Opcode.goAway.rawValue, "\(vector)")
        #expect(vector.statuses.contains(status), "\(vector): \(status)")
      case "request":
        #expect(reply.header.flags.contains(.notExecuted), "\(vector)")
        #expect(vector.statuses.contains(status), "\(vector): \(status)")
        #expect(reply.header.opcode == vector.bytes[6] | Opcode.replyBit, "\(vector)")
      case "item":
        #expect(status == "ok", "\(vector): \(status)")
        try checkItems(vector, reply.body)
      default:
        #expect(reply.header.opcode == vector.bytes[6] | Opcode.replyBit, "\(vector)")
        #expect(reply.header.correlation == vector.bytes[8..<16].reversed().reduce(0) { $0 << 8 | UInt64($1) })
      }
      if vector.error?.connectionSurvives ?? true {
        try connection.send(frame(.ping, correlation: 4_242, body: Array("still me".utf8)))
        let pong = try connection.receiveFrame()
        #expect(pong.header.correlation == 4_242 && pong.body == Array("still me".utf8), "\(vector)")
      } else {
        #expect(connection.receiveToEnd().isEmpty, "\(vector)")
      }
    }
    #expect(server.terminate() == 0)
  }

  private func checkItems(_ vector: Vector, _ body: [UInt8]) throws {
    let results = try body.withUnsafeBytes { bytes in
      let view = try BatchReplyView(reading: bytes)
      return (0..<view.count).map { view[$0]?.status.name }
    }
    let expected = try #require(vector.error?.itemStatuses)
    try #require(results.count == expected.count, "\(vector)")
    for (result, status) in zip(results, expected) where status != nil {
      #expect(result == status || vector.statuses.contains(result ?? ""), "\(vector): \(result ?? "none")")
    }
  }

  @Test func handshakesAreWelcomedOrRefused() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let ledger = try RawConnection(port: server.port).shakeHands().ledger
    for vector in try Self.vectors(stage: "handshake") {
      let connection = try RawConnection(port: server.port)
      try connection.send(FrameHeader.preface + vector.bytes)
      #expect(try connection.receive(8) == FrameHeader.preface)
      let reply = try connection.receiveFrame()
      let status = Status(rawValue: reply.header.status)?.name ?? ""
      // A vector that names a ledger of its own cannot be welcomed by this one.
      let names = vector.bytes.count >= 64 ? vector.bytes[48..<64].allSatisfy { $0 == 0 } : true
      if vector.valid && names {
        #expect(reply.header.opcode == Opcode.welcome.rawValue, "\(vector)")
        let welcome = try reply.body.withUnsafeBytes { try Welcome(reading: $0) }
        #expect(welcome.ledger == ledger)
      } else {
        #expect(reply.header.opcode == Opcode.goAway.rawValue, "\(vector)")
        #expect(vector.valid ? status == "wrongLedger" : vector.statuses.contains(status), "\(vector): \(status)")
        #expect(connection.receiveToEnd().isEmpty, "\(vector)")
      }
    }
  }

  @Test func strangersAreToldSo() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    for vector in try Self.vectors(stage: "preface") where !vector.valid {
      let connection = try RawConnection(port: server.port)
      try connection.send(vector.bytes)
      connection.finishSending()
      let answer = connection.receiveToEnd()
      switch vector.error?.answer {
      case "http400": #expect(answer.starts(with: Array("HTTP/1.1 400 ".utf8)), "\(vector)")
      case "tlsAlert": #expect(answer.suffix(2) == [0x02, 0x46] && answer.first == 0x15, "\(vector)")
      case "goAway":
        #expect(answer.starts(with: FrameHeader.preface) && answer.count > 8 + FrameHeader.bytes, "\(vector)")
        #expect(answer[14] == Opcode.goAway.rawValue, "\(vector)")
      default: break
      }
    }
    #expect(try RawConnection(port: server.port).shakeHands().shardCount == 1)
  }
}
