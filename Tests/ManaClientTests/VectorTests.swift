import Foundation
import ManaProtocol
import NIOCore
import Testing

@testable import ManaClient

/// A golden frame of `Protocol/vectors`; the shape is described in the README there.
struct Vector: Sendable, CustomTestStringConvertible {
  let file: String
  let name: String
  let bytes: [UInt8]
  let isValid: Bool
  let isHandshake: Bool
  let frame: [String: JSON]
  let error: [String: JSON]

  var testDescription: String { "\(file)/\(name)" }

  /// The frames that a server sends.
  static let sentByServers: [Vector] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Protocol/vectors")
    let files = ["handshake", "posting-replies", "reading-replies", "broken-replies", "broken-handshake"]
    return files.flatMap { file in
      let data = FileManager.default.contents(atPath: folder.appending(path: "\(file).json").path())!
      let root = try! JSONDecoder().decode(JSON.self, from: data)
      return root["vectors"].array.filter { $0["direction"].text == "server" }.map { Vector(file, $0) }
    }
  }()

  private init(_ file: String, _ json: JSON) {
    self.file = file
    name = json["name"].text
    let digits = Array(json["hex"].text)
    bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0..<$0 + 2]), radix: 16)! }
    isValid = json["valid"] == .flag(true)
    isHandshake = json["stage"].text == "handshake"
    frame = json["frame"].object
    error = json["error"].object
  }
}

/// JSON as a value.
enum JSON: Decodable, Equatable, Sendable {
  case null
  case flag(Bool)
  case number(Double)
  case string(String)
  case list([JSON])
  case map([String: JSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .list(value)
    } else {
      self = .map(try container.decode([String: JSON].self))
    }
  }

  subscript(key: String) -> JSON { object[key] ?? .null }
  var object: [String: JSON] { if case .map(let value) = self { value } else { [:] } }
  var array: [JSON] { if case .list(let value) = self { value } else { [] } }
  /// A string, or a number as it is written in decimal.
  var text: String {
    switch self {
    case .string(let value): value
    case .number(let value): String(Int64(value))
    default: ""
    }
  }
}

@Suite("Golden frames of the protocol") struct VectorTests {
  @Test("What a server may send is understood", arguments: Vector.sentByServers.filter(\.isValid))
  func understood(vector: Vector) throws {
    let outcome = try Outcome(of: vector)
    let body = try #require(vector.frame["body"])
    switch outcome.event {
    case .welcomed(let welcome):
      let information = ServerInformation(welcome)
      #expect(String(information.ledger.number) == body["ledger"].text)
      #expect(String(information.itemsMax) == body["itemsMax"].text)
      #expect(String(information.time.nanoseconds) == body["time"].text)
      #expect(String(information.requestsInFlightMax) == body["requestsInFlightMax"].text)
    case .drains(let error), .failed(let error):
      #expect(vector.frame["opcode"]?.text == "goAway")
      #expect(error.status?.name == vector.frame["status"]?.text && error.execution == .notExecuted)
      #expect(error.message.hasSuffix(body["text"].text))
    case .replied(let call, let header, let range):
      #expect(call == 7)
      try compare(header, Array(vector.bytes[range]), outcome.opcode, vector)
    case .replyDamaged(_, let error):
      Issue.record("damaged: \(error)")
    }
  }

  @Test(
    "What a server must not send is not believed",
    arguments: Vector.sentByServers.filter { !$0.isValid })
  func refused(vector: Vector) throws {
    let outcome = try Outcome(of: vector)
    switch outcome.event {
    case .failed, .replyDamaged: break
    case .welcomed, .drains: Issue.record("believed")
    case .replied(_, let header, let range):
      let body = ByteBuffer(bytes: vector.bytes[range])
      #expect(throws: ProtocolError.self, "believed") { try Self.read(outcome.opcode, header, body) }
    }
  }

  /// Reads the body of a reply as the client's calls do.
  private static func read(_ opcode: Opcode, _ header: FrameHeader, _ body: ByteBuffer) throws {
    if header.status != Status.ok.rawValue {
      _ = try body.decoded { (bytes) throws(ProtocolError) in try ErrorBody(reading: bytes) }
      return
    }
    switch opcode {
    case .listTransactions, .listUnsettled:
      _ = try body.decoded { (bytes) throws(ProtocolError) in try HistoryPage(HistoryReplyView(reading: bytes)) }
    case .getAccount:
      _ = try body.decoded { (bytes) throws(ProtocolError) in try Account(AccountOverview(reading: bytes)) }
    case .lookupTransaction:
      _ = try body.decoded { (bytes) throws(ProtocolError) in
        let view = try LookupReplyView(reading: bytes)
        return try Transaction(view.transaction, text: view.text, textOffset: 0)
      }
    case .balanceAt: _ = try body.decoded { (bytes) throws(ProtocolError) in try BalanceAt(reading: bytes) }
    case .serverStatus: _ = try body.decoded { (bytes) throws(ProtocolError) in try ServerStatus(reading: bytes) }
    case .shardStatus: _ = try body.decoded { (bytes) throws(ProtocolError) in try ShardStatusReply(reading: bytes) }
    case .drain:
      if body.readableBytes > 0 { throw ProtocolError(.malformedBody, "an answer to drain with a body") }
    case .ping:
      if body.readableBytes > Limits.pingBytesMax { throw ProtocolError(.malformedBody, "a long ping") }
    default:
      // As many items as the reply says it answers, so that it is not for their number that it is refused.
      let count = body.getInteger(at: 4, endianness: .little, as: UInt32.self) ?? 1
      var batch = Batch()
      for _ in 0..<min(max(count, 1), 10) { try batch.bonus(42, 1) }
      var results = BatchResults()
      try results.append(batch.chunks[0], reply: body)
    }
  }

  private func compare(_ header: FrameHeader, _ bytes: [UInt8], _ opcode: Opcode, _ vector: Vector) throws {
    let body = try #require(vector.frame["body"])
    let buffer = ByteBuffer(bytes: bytes)
    guard header.status == Status.ok.rawValue else {
      let text = try buffer.decoded { (bytes) throws(ProtocolError) in try ErrorBody(reading: bytes) }
      let error = ManaError(refusedRequest: header, body: text, transactionID: 9)
      let isNotExecuted = vector.frame["flags"]?.array.contains(.string("notExecuted")) == true
      #expect(error.status?.name == vector.frame["status"]?.text)
      #expect((error.execution == .notExecuted) == isNotExecuted)
      #expect(error.message.hasSuffix(body["text"].text))
      return
    }
    switch opcode {
    case .listTransactions, .listUnsettled:
      let page = try buffer.decoded { (bytes) throws(ProtocolError) in
        try HistoryPage(HistoryReplyView(reading: bytes))
      }
      #expect(String(page.total) == body["total"].text && String(page.balance.micromana) == body["balance"].text)
      let next = body["flags"].array.contains(.string("more")) ? body["next"].text : ""
      #expect((page.nextCursor?.description ?? "") == next)
      #expect(page.transactions.count == body["transactions"].array.count)
      for (transaction, expected) in zip(page.transactions, body["transactions"].array) {
        compare(transaction, expected)
      }
    case .lookupTransaction:
      let transaction = try buffer.decoded { (bytes) throws(ProtocolError) in
        let view = try LookupReplyView(reading: bytes)
        return try Transaction(view.transaction, text: view.text, textOffset: 0)
      }
      compare(transaction, body["transaction"])
    case .getAccount:
      compare(
        try buffer.decoded { (bytes) throws(ProtocolError) in try Account(AccountOverview(reading: bytes)) }, body)
    case .balanceAt:
      let balance = try buffer.decoded { (bytes) throws(ProtocolError) in HistoricBalance(try BalanceAt(reading: bytes))
      }
      #expect(String(balance.balance.micromana) == body["balance"].text)
      #expect(String(balance.sequence) == body["sequence"].text)
      #expect(String(balance.timestamp?.nanoseconds ?? 0) == body["timestamp"].text)
    case .serverStatus:
      let status = try buffer.decoded { (bytes) throws(ProtocolError) in try ServerStatus(reading: bytes) }
      #expect(String(status.uptimeNanoseconds) == body["uptimeNanoseconds"].text)
      #expect(
        String(status.accounts) == body["accounts"].text && String(status.connections) == body["connections"].text)
    case .shardStatus:
      let status = try buffer.decoded { (bytes) throws(ProtocolError) in try ShardStatusReply(reading: bytes) }
      #expect(
        status.shards.map { String($0.flushNanoseconds) } == body["shards"].array.map { $0["flushNanoseconds"].text })
    case .drain:
      #expect(bytes.isEmpty)
    case .ping:
      #expect(bytes.count == body["payloadHex"].text.count / 2)
    default:
      try compareResults(buffer, body)
    }
  }

  private func compareResults(_ buffer: ByteBuffer, _ body: JSON) throws {
    let expected = body["results"].array
    try buffer.withUnsafeReadableBytes { bytes in
      let view = try BatchReplyView(reading: bytes)
      #expect(view.count == expected.count && String(view.postedCount) == body["postedCount"].text)
      for (index, json) in expected.enumerated() {
        let result = try #require(view[index])
        #expect(result.status.name == json["status"].text && String(result.sequence) == json["sequence"].text)
        #expect(String(result.amount) == json["amount"].text)
        #expect(result.replayed == json["flags"].array.contains(.string("replayed")))
        guard view.stride == ItemResult.fullBytes else { continue }
        #expect(String(result.balance) == json["balance"].text && String(result.timestamp) == json["timestamp"].text)
        #expect(String(result.refundable) == json["refundable"].text)
      }
    }
  }

  private func compare(_ transaction: Transaction, _ json: JSON) {
    #expect(String(transaction.id.number) == json["id"].text)
    #expect(String(transaction.account.number) == json["account"].text)
    #expect(String(transaction.amount.micromana) == json["amount"].text)
    #expect(String(transaction.balanceAfter.micromana) == json["balanceAfter"].text)
    #expect(String(transaction.timestamp.nanoseconds) == json["timestamp"].text)
    #expect(String(transaction.refunded.micromana) == json["refunded"].text)
    #expect(transaction.type.name == json["type"].text && transaction.operation.name == json["operation"].text)
    #expect(transaction.reference == json["reference"].text && transaction.note == json["note"].text)
    #expect(String(transaction.sequence) == json["sequence"].text)
    #expect(String(transaction.quantity) == json["quantity"].text)
    #expect(String(transaction.settlement.rawValue) == json["settlement"].text)
    let related = transaction.settlementTimeout.map { String($0 / .milliseconds(1)) }
    let expected = json["related"].text
    #expect(
      (transaction.related.map { String($0.number) } ?? related.map { String($0.dropLast(2)) } ?? "0") == expected)
  }

  private func compare(_ account: Account, _ json: JSON) {
    #expect(String(account.id.number) == json["account"].text)
    #expect(String(account.balance.micromana) == json["balance"].text)
    #expect(String(account.lifetimeSpent.micromana) == json["lifetimeSpent"].text)
    #expect(String(account.lifetimePurchased.micromana) == json["lifetimePurchased"].text)
    #expect(String(account.lifetimeRefunded.micromana) == json["lifetimeRefunded"].text)
    #expect(String(account.lifetimeBonus.micromana) == json["lifetimeBonus"].text)
    #expect(String(account.unsettled.micromana) == json["unsettled"].text)
    #expect(String(account.transactionCount) == json["transactions"].text)
    #expect(String(account.firstTransaction.nanoseconds) == json["firstTimestamp"].text)
    for total in json["operations"].array {
      let operation = Operation(name: total["operation"].text)!
      #expect(String(account[operation].amount.micromana) == total["amount"].text)
      #expect(String(account[operation].count) == total["count"].text)
    }
  }
}

/// What a connection makes of a vector, on which call 7 of the vector's kind is in flight.
private struct Outcome {
  let event: ConnectionState<Int>.Event
  let opcode: Opcode

  init(of vector: Vector) throws {
    var state = ConnectionState<Int>(expectedLedger: 0)
    _ = FrameHeader.preface.withUnsafeBytes { state.step($0) }
    var opcode = Opcode.ping
    if !vector.isHandshake {
      _ = Frames.welcome().withUnsafeBytes { state.step($0) }
      opcode = Opcode(rawValue: vector.bytes[6] & ~Opcode.replyBit) ?? .ping
      for call in 1...7 { _ = state.begin(call, opcode, bytes: 64) }
    }
    self.opcode = opcode
    guard case .take(_, let event?) = vector.bytes.withUnsafeBytes({ state.step($0) }) else {
      throw ProtocolError(.malformedBody, "nothing was made of \(vector.name)")
    }
    self.event = event
  }
}
