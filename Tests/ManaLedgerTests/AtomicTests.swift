import ManaLedger
import ManaProtocol
import Testing

@Suite struct AtomicTests {
  @Test func allOrNone() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100)])
    let digest = bench.ledger.digest
    let next = bench.journal.next
    let refused = bench.post([.spend(2, 1, 60), .spend(3, 1, 60), .spend(4, 1, 1)], atomic: true)
    #expect(refused.map(\.status) == [.notApplied, .insufficientBalance, .notApplied])
    #expect(refused.allSatisfy { $0.balance == 100 && $0.sequence == 0 && $0.amount == 0 && $0.timestamp == 0 })
    #expect(bench.ledger.digest == digest && bench.journal.next == next)
    bench.ledger.checkInvariants()
    let applied = bench.post([.spend(2, 1, 60), .refund(3, 1, of: 2, 30), .spend(4, 1, 70)], atomic: true)
    #expect(applied.map(\.status) == [.ok, .ok, .ok] && applied.map(\.balance) == [40, 70, 0])
    let replayed = bench.post([.spend(2, 1, 60), .refund(3, 1, of: 2, 30), .spend(4, 1, 70)], atomic: true)
    #expect(replayed.allSatisfy { $0.status == .ok && $0.replayed })
  }

  @Test(
    arguments: [
      ("a replay after a new one", [.spend(9, 1, 1), .spend(2, 1, 1)], 1),
      ("a new one after a replay", [.spend(2, 1, 1), .spend(9, 1, 1)], 1),
      ("the same id twice", [.spend(9, 1, 1), .spend(10, 1, 1), .spend(9, 1, 1)], 2),
    ] as [(String, [Entry], Int)])
  func replaysAndNewOnesDoNotMix(name: String, entries: [Entry], refused: Int) {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100), .spend(2, 1, 1)])
    let digest = bench.ledger.digest
    let results = bench.post(entries, atomic: true)
    for (index, result) in results.enumerated() {
      #expect(result.status == (index == refused ? .idConflict : .notApplied) && result.field == nil)
    }
    #expect(bench.ledger.digest == digest)
    bench.ledger.checkInvariants()
  }

  @Test func anAccountThatWasCreatedGoesAgain() throws {
    var bench = Bench()
    bench.post([.purchase(1, 2, 5)])
    let results = bench.post([.purchase(1, 1, 100), .spend(2, 1, 101)], atomic: true)
    #expect(results.map(\.status) == [.notApplied, .insufficientBalance] && results.map(\.balance) == [0, 0])
    #expect(bench.ledger.accountCount == 1 && bench.ledger.overview(of: 1) == nil)
    bench.ledger.checkInvariants()
    #expect(bench.post([.purchase(1, 1, 100), .spend(2, 1, 100)], atomic: true).map(\.status) == [.ok, .ok])
    try bench.checkReplay()
  }

  /// Sizes at which the batch that is undone takes the first overflow block, writes into one, or frees places in it.
  @Test(arguments: [245, 246, 247, 248, 249, 260, 502, 503, 1_013, 1_020])
  func jumpsAreUndone(count: Int) throws {
    var bench = Bench()
    bench.post((1...count).map { .bonus(UInt128($0), 1, 1) }, stride: 16)
    for size in [1, 2, 3, 9, 300] {
      let entries = (1...size).map { Entry.bonus(UInt128(10_000 + $0), 1, 1) }
      #expect(bench.post(entries + [.spend(9_999, 1, 99_999)], atomic: true).last?.status == .insufficientBalance)
      bench.ledger.checkInvariants()
      bench.post([.bonus(UInt128(20_000 + size), 1, 1)])
      bench.ledger.checkInvariants()
    }
    try bench.checkReplay()
  }

  /// Atomic batches of everything, about half of them refused: what is left is what it was, to the last byte that
  /// shows.
  @Test(arguments: 0..<6 as Range<UInt64>)
  func undoLeavesNoTrace(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    var bench = Bench(seed: seed)
    bench.post([.purchase(1, 1, 100_000), .purchase(1, 2, 100_000)])
    var workload = Workload(numbers: numbers)
    for step in 0..<150 {
      bench.now += numbers.below(400_000_000)
      if step % 10 == 0 { _ = bench.expire(3) }
      let account = UInt128(1 + numbers.below(3))
      var entries = (0..<1 + numbers.below(24)).map { _ in workload.entry(account) }
      if numbers.below(2) == 0 { entries.append(.spend(UInt128(1_000_000 + step), account, UInt64(Int64.max))) }
      let before = (bench.ledger.digest, bench.ledger.overview(of: account), bench.ledger.transactionCount)
      let deadline = bench.ledger.nextDeadline
      let statuses = Set(bench.post(entries, atomic: true).map(\.status))
      if statuses != [.ok] {
        let after = (bench.ledger.digest, bench.ledger.overview(of: account), bench.ledger.transactionCount)
        #expect(before == after && bench.ledger.nextDeadline == deadline, "seed \(seed), step \(step)")
      }
      bench.ledger.checkInvariants()
    }
    try bench.checkReplay()
  }
}
