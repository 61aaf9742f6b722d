import Foundation
import ManaProtocol
import Testing

/// The real server's side of the conversation.
@Suite struct ServingTests {
  @Test(arguments: [1, 3]) func aBatchOverManyAccountsIsSplitAndJoined(shards: Int) throws {
    let data = try TemporaryDirectory()
    var server = try ServerProcess(data: data, shards: shards)
    var caller = try Caller(server, account: 1)
    let accounts = (1...200).map { UInt128($0) }
    let credits = accounts.map { Item(id: 1, account: $0, amount: 1_000, type: .bonus, operation: .bonus) }
    #expect(try caller.post(credits).allSatisfy { $0.status == .ok && $0.sequence == 1 })
    // Each account is charged its own number twice in one batch; the second charge sees the first.
    let charges = (accounts + accounts).enumerated().map { index, account in
      Item(id: UInt128(index + 2), account: account, amount: UInt64(account), type: .spend, operation: .export)
    }
    let results = try caller.post(charges)
    for (index, result) in results.enumerated() {
      let account = Int64(index % 200 + 1)
      let round = Int64(index / 200 + 1)
      #expect(result.status == .ok && result.sequence == UInt32(round + 1))
      #expect(result.balance == 1_000 - account * round, "account \(account)")
    }
    let replay = try caller.post(charges)
    #expect(replay.allSatisfy { $0.status == .ok && $0.replayed })
    #expect(server.terminate() == 0)
    server = try ServerProcess(data: data)
    caller = try Caller(server, account: 77)
    #expect(try caller.overview().balance == 1_000 - 154)
    #expect(try caller.post(charges).map(\.sequence) == results.map(\.sequence))
  }

  @Test func textsBeyondOneBlockAreSplitOverSeveral() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    var caller = try Caller(server, account: 5)
    _ = try caller.credit(10_000_000, id: 1)
    let note = String(repeating: "é", count: 127)
    let items = (0..<1_800).map { index in
      Item(
        id: UInt128(index + 10), account: 5, amount: 1, type: .spend, operation: .export, referenceBytes: 254,
        noteBytes: 254)
    }
    let results = try caller.post(items, texts: items.flatMap { _ in [note, note] }, flags: [])
    #expect(results.count == 1_800 && results.allSatisfy { $0.status == .ok })
    #expect(try caller.overview().transactions == 1_801)
  }

  @Test func pipelinedRequestsAreAnsweredAndDrained() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    var caller = try Caller(server, account: 3)
    _ = try caller.credit(1_000_000, id: 1)
    let count = 500
    var bytes: [UInt8] = []
    for id in 0..<count {
      bytes += frame(.spend, correlation: UInt64(1_000 + id), body: batchBody([caller.spend(id: UInt128(id + 2))]))
    }
    try caller.connection.send(bytes)
    var answered: Set<UInt64> = []
    for _ in 0..<count {
      let reply = try caller.connection.receiveFrame()
      #expect(reply.header.status == 0)
      answered.insert(reply.header.correlation)
    }
    #expect(answered.count == count)
    #expect(server.terminate() == 0)
    // What was committed before the end: a goAway, then the end of the stream.
    let goAway = try caller.connection.receiveFrame()
    #expect(goAway.header.opcode == Opcode.goAway.rawValue)
    #expect(goAway.header.status == Status.shuttingDown.rawValue)
    #expect(caller.connection.receiveToEnd().isEmpty)
    let again = try ServerProcess(data: data)
    caller = try Caller(again, account: 3)
    #expect(try caller.overview().transactions == UInt64(count + 1))
  }

  @Test func whatWasAcknowledgedSurvivesKill() throws {
    let data = try TemporaryDirectory()
    var server = try ServerProcess(data: data, shards: 1)
    var caller = try Caller(server, account: 9)
    _ = try caller.credit(1_000_000_000, id: 1)
    var next: UInt128 = 2
    for round in 1...10 {
      for _ in 0..<round * 3 {
        _ = try caller.post((0..<17).map { caller.spend(id: next + UInt128($0)) }, flags: [])
        next += 17
      }
      // Sent and never awaited: may or may not be there, but never in part twice.
      try caller.connection.send(frame(.spend, correlation: 5, body: batchBody([caller.spend(id: next)])))
      server.kill()
      server = try ServerProcess(data: data)
      caller = try Caller(server, account: 9)
      let overview = try caller.overview()
      let expected = UInt64(next) - 1
      #expect(overview.transactions == expected || overview.transactions == expected + 1, "round \(round)")
      #expect(overview.balance == 1_000_000_000 - Int64(overview.transactions - 1))
      let result = try caller.post([caller.spend(id: next)])[0]
      #expect(result.status == .ok)
      #expect(result.replayed == (overview.transactions == expected + 1))
      next += 1
    }
  }

  @Test func unixSocketsServeToo() async throws {
    let data = try TemporaryDirectory()
    let path = data.url.appending(path: "socket").path()
    let server = try ServerProcess(data: data, listen: "unix:\(path)")
    #expect(server.address == "unix:\(path)")
    let outcome = try await Programs.mana(["bonus", "1", "10", "--json"], server: server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(server.terminate() == 0)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
