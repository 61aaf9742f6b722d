import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// Atomic batches that fail at each place, for each reason, and leave nothing behind.
@Suite struct AtomicTests {
  /// Six items that are accepted together and change everything an item can change.
  private static let good: [ItemDraft] = [
    .purchase(201, Situation.account, 5_000),
    .spend(202, Situation.account, 100, timeout: 5_000),
    .refund(203, Situation.account, of: Situation.halfRefunded, nil),
    .settlement(204, Situation.account, of: Situation.unsettled, used: 30),
    .refund(205, Situation.account, of: 9_999, nil, voidIfUnknown: true),
    .refund(206, Situation.account, of: 202, 40),
  ]

  private static let bad: [(name: String, draft: ItemDraft, expected: Status)] = [
    ("stateless", .spend(301, Situation.account, 0), .amountZero),
    ("conflict", .purchase(Situation.spend, Situation.account, 1), .idConflict),
    ("replay", .purchase(Situation.purchase, Situation.account, 10_000), .idConflict),
    ("too little", .spend(301, Situation.account, Limits.amountMax), .insufficientBalance),
    ("overflow", .purchase(301, Situation.account, Limits.amountMax), .balanceOverflow),
    ("unknown original", .refund(301, Situation.account, of: 998, 1), .originalUnknown),
  ]

  @Test(arguments: 0...6, 0..<6) func failingBatchesLeaveNothing(place: Int, reason: Int) throws {
    let bad = Self.bad[reason]
    var drafts = Self.good
    drafts.insert(bad.draft, at: place)
    let ledger = MemoryLedger(tableSeed: 1)
    var reference = ReferenceLedger(timeoutID: TimeoutID.next(after:))
    _ = Situation.prepare(ledger)
    _ = Situation.prepare(&reference)
    let before = (ledger.digest, ledger.lastTimestamp, ledger.transactionCount, ledger.nextDeadline)
    let overview = ledger.overview(of: Situation.account)
    let blocks = ledger.memory.blocks.count

    let batch = ItemBatch(drafts, atomic: true)
    let report = reference.post(batch, now: Situation.now)
    let answer = ledger.post(batch, now: Situation.now)
    #expect(answer.results == report.encoded(stride: ItemResult.fullBytes), "\(bad.name) at \(place)")
    #expect(!answer.atomicApplied && answer.posted == 0 && answer.replayed == 0 && answer.refused == drafts.count)
    // A replay at the first place makes the new item after it the one that does not fit.
    let refused = bad.name == "replay" && place == 0 ? 1 : place
    #expect(report.results.indices.allSatisfy { report.results[$0].status == .notApplied || $0 == refused })
    #expect(report.results[refused].status == bad.expected)

    #expect((ledger.digest, ledger.lastTimestamp, ledger.transactionCount, ledger.nextDeadline) == before)
    #expect(ledger.overview(of: Situation.account) == overview)
    #expect(ledger.memory.blocks.count == blocks, "nothing is recorded of a refused batch")
    ledger.checkInvariants()

    // Each id is free, and everything can be posted as if nothing had been.
    let retry = ItemBatch(Self.good, atomic: true)
    let expected = reference.post(retry, now: Situation.now)
    let second = ledger.post(retry, now: Situation.now)
    #expect(expected.posted == Self.good.count)
    #expect(second.results == expected.encoded(stride: ItemResult.fullBytes))
    #expect(second.atomicApplied)
    let digest = ledger.digest
    try ledger.restart()
    #expect(ledger.digest == digest)
    ledger.checkInvariants()
  }

  @Test func wholeBatchesAreRepeated() {
    let ledger = MemoryLedger(tableSeed: 1)
    _ = Situation.prepare(ledger)
    let first = ledger.post(ItemBatch(Self.good, atomic: true), now: Situation.now)
    #expect(first.posted == Self.good.count && first.atomicApplied)
    let again = ledger.post(ItemBatch(Self.good, atomic: true), now: Situation.now + 1)
    #expect(again.replayed == Self.good.count && again.atomicApplied)
    let part = ledger.post(ItemBatch(Array(Self.good[2...4]), atomic: true), now: Situation.now + 2)
    #expect(part.replayed == 3)
  }

  /// An account that a refused batch would have created does not exist.
  @Test func refusedAccountsDoNotComeToBe() {
    let ledger = MemoryLedger(tableSeed: 1)
    let batch = ItemBatch([.purchase(1, 42, 5), .spend(2, 42, 6)], atomic: true)
    #expect(ledger.post(batch, now: Situation.start).refused == 2)
    #expect(ledger.accountCount == 0 && ledger.overview(of: 42) == nil && ledger.digest == 0)
    #expect(ledger.lookup(account: 42, id: 1) == .refused(.accountUnknown))
    ledger.checkInvariants()
  }
}
