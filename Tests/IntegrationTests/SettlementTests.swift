import Foundation
import ManaProtocol
import Testing

/// Refunds that the real server posts by itself when nobody settles a spend in time.
@Suite struct SettlementTests {
  private static func unsettled(id: UInt128, account: UInt128, amount: UInt64, milliseconds: UInt128) -> Item {
    Item(
      id: id, account: account, related: milliseconds, amount: amount, type: .spend, flags: .unsettled,
      operation: .imageGeneration)
  }

  /// Waits until nothing is unsettled, as long as it takes within the test's patience.
  private static func waitUntilSettled(_ caller: inout Caller) async throws -> AccountOverview {
    for _ in 0..<400 {
      let overview = try caller.overview()
      if overview.unsettledCount == 0 { return overview }
      try await Task.sleep(for: .milliseconds(50))
    }
    return try caller.overview()
  }

  /// The newest transactions of an account, as wire transactions.
  private static func history(_ caller: inout Caller, limit: Int) throws -> [(item: Item, timestamp: UInt64)] {
    var body = [UInt8](repeating: 0, count: HistoryQuery.fixedBytes)
    body.withUnsafeMutableBytes {
      HistoryQuery(account: caller.account, limit: limit).store(to: $0.baseAddress!, referenceBytes: 0)
    }
    let reply = try caller.call(.listTransactions, body)
    return try reply.body.withUnsafeBytes { bytes in
      let view = try HistoryReplyView(reading: bytes)
      return (0..<view.prelude.count).map { (Item(reading: view[$0].base), view[$0].timestamp) }
    }
  }

  @Test func aTimeoutRefundsTheSpend() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    var caller = try Caller(server, account: 11)
    _ = try caller.credit(1_000, id: 1)
    let spend = Self.unsettled(id: 2, account: 11, amount: 400, milliseconds: 1_000)
    let charged = try caller.post([spend])[0]
    #expect(charged.status == .ok && charged.balance == 600)
    #expect(try caller.overview().unsettled == 400)
    let overview = try await Self.waitUntilSettled(&caller)
    #expect(overview.balance == 1_000 && overview.transactions == 3)
    let refund = try #require(try Self.history(&caller, limit: 1).first)
    #expect(refund.item.related == 2 && refund.item.amount == 400)
    #expect(refund.timestamp >= charged.timestamp + 1_000_000_000)
    // Settling now comes too late, and changes nothing.
    let late = try caller.post(
      [Item(id: 9, account: 11, related: 2, amount: 0, type: .settlement, flags: .remaining, operation: nil)])[0]
    #expect(late.status == .settlementTimedOut)
  }

  @Test func aSpendSaysWhatCanStillBeRefunded() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let lines = [
      ["bonus", "13", "100"], ["spend", "13", "2", "--operation", "variation", "--id", "7"],
      ["refund", "13", "0.5", "--of", "7"],
      ["spend", "13", "3", "--operation", "export", "--settle-within", "5m", "--id", "8"],
      ["settle", "13", "8", "--succeeded", "--used", "1.25"],
    ]
    for line in lines {
      let outcome = try await Programs.mana(line, server: server)
      try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    }
    let expected = [("7", "0.5", "1.5", String?.none), ("8", "1.75", "1.25", "settled")]
    for (id, refunded, refundable, settlement) in expected {
      let spend = try await object(Programs.mana(["transaction", "13", id, "--json"], server: server).output)
      #expect(spend["refunded"] as? String == refunded)
      #expect(spend["refundable"] as? String == refundable)
      #expect(spend["settlement"] as? String == settlement)
    }
  }

  @Test func aDeadlineThatPassesWhileTheServerIsDownIsMadeUpFor() async throws {
    let data = try TemporaryDirectory()
    var server = try ServerProcess(data: data, shards: 1)
    var caller = try Caller(server, account: 12)
    _ = try caller.credit(1_000, id: 1)
    let spends = (0..<300).map {
      Self.unsettled(id: UInt128($0 + 10), account: 12, amount: 3, milliseconds: 1_000 + UInt128($0 % 3))
    }
    #expect(try caller.post(spends).allSatisfy { $0.status == .ok })
    // One is settled in time; it stays charged through the crash.
    let settled = try caller.post(
      [Item(id: 5_000, account: 12, related: 10, amount: 0, type: .settlement, flags: .remaining, operation: nil)])[0]
    #expect(settled.status == .ok)
    server.kill()
    try await Task.sleep(for: .milliseconds(1_200))
    server = try ServerProcess(data: data)
    caller = try Caller(server, account: 12)
    let overview = try await Self.waitUntilSettled(&caller)
    #expect(overview.balance == 1_000 - 3)
    #expect(overview[.refund].count == 299)
    server.kill()
    server = try ServerProcess(data: data)
    caller = try Caller(server, account: 12)
    #expect(try caller.overview() == overview)
  }
}
