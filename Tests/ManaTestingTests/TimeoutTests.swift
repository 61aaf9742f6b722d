import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// Settlements whose time passes, in places where the random work does not come: no room for the refund, an id that is
/// taken, many deadlines at once.
@Suite struct TimeoutTests {
  private let start = Situation.start
  private let second: UInt64 = 1_000_000_000

  private func result(_ answer: PostAnswer, _ index: Int) -> ItemResult? {
    answer.results.withUnsafeBytes { ItemResult(reading: $0.baseAddress! + index * 40, stride: 40) }
  }

  /// A balance can be filled up while a spend is unsettled; then its refund has no room. The spend must stay unsettled
  /// and be refunded once there is room, and a restart must not change that.
  @Test(arguments: [false, true]) func refundWithoutRoomWaits(restarting: Bool) throws {
    let ledger = MemoryLedger(tableSeed: 1)
    let answer = ledger.post(
      ItemBatch([
        .purchase(1, 42, Limits.amountMax), .spend(2, 42, 100, timeout: 1_000), .purchase(3, 42, 50),
        .spend(4, 42, 20), .purchase(5, 42, 70),
      ]), now: start)
    #expect(answer.posted == 5)
    #expect(ledger.expire(now: start + 2 * second, limit: 10) == 0)
    if restarting { try ledger.restart() }
    ledger.checkInvariants()
    let overview = try #require(ledger.overview(of: 42))
    #expect(overview.unsettled == 100 && overview.unsettledCount == 1 && overview.balance == .max)

    #expect(ledger.post(ItemBatch([.spend(6, 42, 100)]), now: start + 3 * second).posted == 1)
    #expect(ledger.expire(now: start + 3 * 3_600 * second, limit: 10) == 1)
    #expect(ledger.overview(of: 42)?.balance == .max)
    #expect(ledger.overview(of: 42)?.unsettledCount == 0)
    #expect(ledger.nextDeadline == nil)
    ledger.checkInvariants()
  }

  /// While its refund has no room, a spend is not lost for others that are due.
  @Test func refundWithoutRoomHoldsUpNobody() {
    let ledger = MemoryLedger(tableSeed: 1)
    _ = ledger.post(
      ItemBatch([
        .purchase(1, 42, Limits.amountMax), .spend(2, 42, 100, timeout: 1_000), .purchase(3, 42, 100),
        .purchase(1, 43, 1_000), .spend(2, 43, 100, timeout: 1_500),
      ]), now: start)
    #expect(ledger.expire(now: start + 2 * second, limit: 10) == 1)
    #expect(ledger.overview(of: 43)?.balance == 1_000)
  }

  /// A client that has used the id of the refund to come cannot keep it from coming.
  @Test func takenIDsAreEvaded() throws {
    let first = TimeoutID.next(after: 2)
    let second = TimeoutID.next(after: first)
    let drafts: [ItemDraft] = [
      .purchase(1, 42, 1_000), .purchase(first, 42, 1), .bonus(second, 42, 1), .spend(2, 42, 100, timeout: 1_000),
    ]
    let ledger = MemoryLedger(tableSeed: 1)
    var reference = ReferenceLedger(timeoutID: TimeoutID.next(after:))
    #expect(ledger.post(ItemBatch(drafts), now: start).posted == 4)
    _ = reference.post(ItemBatch(drafts), now: start)
    #expect(ledger.expire(now: start + 2 * self.second, limit: 10) == 1)
    _ = reference.expire(now: start + 2 * self.second, limit: 10)
    #expect(ledger.overview(of: 42) == reference.overview(of: 42))
    let refund = try #require(reference.transactions(of: 42).last)
    #expect(refund.shown.item.id == TimeoutID.next(after: second))
    guard case .body = ledger.lookup(account: 42, id: refund.shown.item.id) else {
      Issue.record("the refund is not there")
      return
    }
    try ledger.restart()
    ledger.checkInvariants()
    #expect(ledger.overview(of: 42) == reference.overview(of: 42))
  }

  /// The deadline itself counts as passed, the nanosecond before does not.
  @Test func deadlinePassesExactly() {
    let ledger = MemoryLedger(tableSeed: 1)
    let answer = ledger.post(ItemBatch([.purchase(1, 42, 1_000), .spend(2, 42, 100, timeout: 1_000)]), now: start)
    let deadline = result(answer, 1)!.timestamp + second
    #expect(ledger.nextDeadline == deadline)
    #expect(ledger.expire(now: deadline - 1, limit: 10) == 0)
    #expect(ledger.expire(now: deadline, limit: 0) == 0)
    #expect(ledger.expire(now: deadline, limit: 10) == 1)
  }

  /// Many settlements time out at once, in the order of their deadlines, in portions, with restarts in between.
  @Test func manyDeadlinesAreTakenInOrder() throws {
    var random = SplitMix64(seed: 5)
    let ledger = MemoryLedger(tableSeed: 1)
    var reference = ReferenceLedger(timeoutID: TimeoutID.next(after:))
    var drafts: [ItemDraft] = [.purchase(1, 42, 1_000_000)]
    for id in 2..<400 {
      drafts.append(.spend(UInt128(id), 42, 1, timeout: UInt64.random(in: 1_000...1_040, using: &random)))
    }
    #expect(ledger.post(ItemBatch(drafts), now: start).posted == drafts.count)
    _ = reference.post(ItemBatch(drafts), now: start)
    for round in 0..<40 {
      let now = start + second + UInt64(round) * 1_000_001
      #expect(ledger.expire(now: now, limit: 8) == reference.expire(now: now, limit: 8))
      if round % 10 == 9 { try ledger.restart() }
      #expect(ledger.nextDeadline == reference.nextDeadline, "round \(round)")
      #expect(ledger.lastTimestamp == reference.lastTimestamp)
    }
    #expect(ledger.expire(now: .max >> 1, limit: 1_000) == reference.expire(now: .max >> 1, limit: 1_000))
    for transaction in reference.transactions(of: 42) {
      let answer = ledger.lookup(account: 42, id: transaction.shown.item.id)
      guard case .body(let bytes) = answer else {
        Issue.record("\(transaction.shown.item.id) is not there")
        continue
      }
      #expect(Array(bytes[8..<104]) == transaction.encoded)
    }
  }
}
