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

  /// A tombstone is indexed by its own id and by the void one, or once where these are the same.
  @Test(arguments: [9, 8] as [UInt128])
  func aTombstoneGoesAgain(void: UInt128) {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100)])
    let digest = bench.ledger.digest
    let refused = bench.post([.refund(9, 1, of: void, nil, void: true), .spend(10, 1, 999)], atomic: true)
    #expect(refused.map(\.status) == [.notApplied, .insufficientBalance])
    #expect(bench.ledger.digest == digest)
    bench.ledger.checkInvariants()
    // Neither id is taken.
    #expect(bench.post([.spend(9, 1, 1), .spend(8, 1, 1)]).map(\.status) == [.ok, .ok])
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

  /// Sizes around the first root that overflows, the 503rd; at 4,063 three appends give a place of the block to another
  /// root.
  @Test(arguments: [1, 246, 247, 500, 501, 502, 503, 504, 1_013, 1_020, 4_061, 4_062, 4_063, 4_064])
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

  @Test func refundsAndSettlementsAreUndone() throws {
    var bench = Bench()
    bench.post([
      .purchase(1, 1, 1_000), .spend(2, 1, 40), .refund(3, 1, of: 2, 10), .spend(4, 1, 50, timeout: 9_000),
      .spend(5, 1, 60, timeout: 8_000), .spend(6, 1, 70, timeout: 7_000), .spend(7, 1, 80),
    ])
    let deadline = bench.ledger.nextDeadline
    let position = bench.ledger.lastPosition(of: 1)
    let before = (2...7).map { bench.lookup(1, $0) }
    let results = bench.post(
      [
        .refund(10, 1, of: 2, 5), .refund(11, 1, of: 2, nil), .settle(12, 1, of: 4, used: 1),
        .settle(13, 1, of: 6, used: nil), .refund(14, 1, of: 5, 1), .refund(15, 1, of: 5, 2),
        .refund(16, 1, of: 7, nil), .spend(17, 1, 3, timeout: 1_000), .refund(18, 1, of: 99, nil, void: true),
        .refund(19, 1, of: 7, 1),
      ], atomic: true)
    #expect(results.map(\.status) == Array(repeating: .notApplied, count: 9) + [.nothingToRefund])
    #expect((2...7).map { bench.lookup(1, $0) } == before)
    #expect(bench.ledger.lastPosition(of: 1) == position, "no read waits for what was never written")
    #expect(bench.ledger.nextDeadline == deadline && bench.ledger.unsettledCount == 3)
    #expect(bench.unsettled(start: 0, limit: 9).transactions.map(\.item.id) == [6, 5, 4])
    bench.ledger.checkInvariants()
    #expect(bench.post(.spend(99, 1, 1)).status == .ok, "the tombstone is gone")
    #expect(bench.post(.settle(12, 1, of: 4, used: 2)).status == .ok, "the ids are free")
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
