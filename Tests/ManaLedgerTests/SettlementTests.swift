import ManaLedger
import ManaProtocol
import Testing

@Suite struct SettlementTests {
  /// Account 1 has 100 and an unsettled spend 2 of 40, due 5 seconds after 1,001.
  private static func bench() -> Bench {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100), .spend(2, 1, 40, timeout: 5_000, reference: "job")])
    return bench
  }

  private static let deadline: UInt64 = 5_000_000_000 + 1_001

  private static func state(_ bench: borrowing Bench, _ id: UInt128) -> SettlementState? {
    bench.lookup(1, id)?.settlement
  }

  @Test(
    arguments: [
      // used, refund's amount, balance, refundable afterwards
      (nil, 0, 60, 40), (40, 0, 60, 40), (39, 1, 61, 39), (1, 39, 99, 1), (0, 40, 100, 0),
    ] as [(UInt64?, UInt64, Int64, UInt64)])
  func settling(used: UInt64?, refunded: UInt64, balance: Int64, refundable: UInt64) throws {
    var bench = Self.bench()
    let result = bench.post(.settle(9, 1, of: 2, used: used, note: "why"))
    #expect(result.status == .ok && !result.replayed)
    #expect(result.sequence == (refunded == 0 ? 0 : 3) && result.amount == refunded)
    #expect(result.balance == balance && result.refundable == refundable)
    #expect(Self.state(bench, 2) == .settled)
    let overview = bench.ledger.overview(of: 1)
    #expect(overview?.unsettled == 0 && overview?.unsettledCount == 0 && bench.ledger.nextDeadline == nil)

    let refund = bench.lookup(1, 9)
    #expect((refund == nil) == (refunded == 0), "a settlement is in the history only when it refunded")
    if let refund {
      #expect(refund.item.type == .refundCode && refund.item.related == 2 && refund.item.flags == [])
      #expect(refund.item.operation == ManaProtocol.Operation.refund.rawValue && refund.note == "why")
    }
    for id in [9, 10] as [UInt128] {
      var again = bench.post(.settle(id, 1, of: 2, used: used, note: id == 9 ? "why" : "other"))
      #expect(again.replayed)
      again.replayed = false
      #expect(again == result, "the same outcome is a replay, whatever the id")
    }
    #expect(bench.post(.settle(11, 1, of: 2, used: 20)).status == .alreadySettled)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  @Test(arguments: [UInt64?(1), 40, nil])
  func aRefundEndsIt(amount: UInt64?) throws {
    var bench = Self.bench()
    let result = bench.post(.refund(3, 1, of: 2, amount))
    #expect(result.status == .ok && result.amount == amount ?? 40 && result.refundable == 40 - (amount ?? 40))
    #expect(Self.state(bench, 2) == .refunded)
    #expect(bench.ledger.nextDeadline == nil && bench.ledger.overview(of: 1)?.unsettledCount == 0)
    #expect(bench.post(.settle(4, 1, of: 2, used: nil)).status == .alreadyRefunded)
    bench.now = Self.deadline + 1
    #expect(bench.expire() == 0)
    try bench.checkReplay()
  }

  @Test func timingOut() throws {
    var bench = Self.bench()
    #expect(bench.ledger.nextDeadline == Self.deadline)
    bench.now = Self.deadline - 1
    #expect(bench.expire() == 0)
    bench.now = Self.deadline
    #expect(bench.expire() == 1)
    #expect(bench.expire() == 0)
    #expect(bench.ledger.nextDeadline == nil)
    #expect(Self.state(bench, 2) == .timedOut)
    let found = bench.lookup(1, TimeoutID.next(after: 2))
    let refund = try #require(found)
    #expect(refund.item.type == .refundCode && refund.item.flags == [] && refund.item.amount == 40)
    #expect(refund.item.related == 2 && refund.note == "timeout" && refund.reference == "" && refund.sequence == 3)
    #expect(bench.ledger.overview(of: 1)?.balance == 100)
    #expect(bench.post(.settle(4, 1, of: 2, used: nil)).status == .settlementTimedOut)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  @Test func aSettlementAfterTheDeadlineButBeforeTheTimeoutIsAccepted() {
    var bench = Self.bench()
    bench.now = Self.deadline + 5
    #expect(bench.post(.settle(4, 1, of: 2, used: nil)).status == .ok)
    #expect(bench.expire() == 0)
  }

  @Test func timeoutsComeInTheOrderOfTheirDeadlines() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 1_000)])
    // Timestamps are one nanosecond apart, so that deadlines are those of the timeouts.
    for (index, timeout) in [7_000, 3_000, 9_000, 1_000, 5_000].enumerated() {
      bench.post([.spend(UInt128(index + 2), 1, UInt64(index + 1), timeout: UInt128(timeout))])
    }
    bench.now += 6_000_000_000
    #expect(bench.expire(2) == 2)
    #expect(bench.expire(2) == 1)
    bench.now += 6_000_000_000
    #expect(bench.expire() == 2)
    let amounts = bench.page(HistoryQuery(account: 1, limit: 10)).transactions.prefix(5).map(\.item.amount)
    #expect(amounts == [3, 1, 5, 2, 4])
  }

  @Test func aTimeoutThatDoesNotFitIsPutOff() throws {
    var bench = Bench()
    let most = UInt64(Int64.max)
    bench.post([.purchase(1, 1, most), .spend(2, 1, 10, timeout: 1_000), .bonus(3, 1, 10)])
    bench.now += 2_000_000_000
    #expect(bench.expire() == 0)
    #expect(bench.ledger.nextDeadline == bench.now + 3_600_000_000_000)
    #expect(bench.ledger.overview(of: 1)?.unsettledCount == 1)
    bench.post([.spend(4, 1, 10)])
    bench.now += 3_600_000_000_000
    #expect(bench.expire() == 1)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  @Test func aTakenTimeoutIDIsPassedOver() throws {
    var bench = Bench()
    let taken = TimeoutID.next(after: 2)
    bench.post([.purchase(taken, 1, 100), .spend(2, 1, 40, timeout: 1_000)])
    bench.now += 2_000_000_000
    #expect(bench.expire() == 1)
    #expect(bench.lookup(1, TimeoutID.next(after: taken))?.note == "timeout")
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  @Test func tombstones() throws {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100)])
    let first = bench.post(.refund(5, 1, of: 2, nil, void: true))
    #expect(first.status == .ok && first.sequence == 0 && first.amount == 0 && first.balance == 100)
    #expect(bench.post(.refund(5, 1, of: 2, nil, void: true)).replayed)
    let other = bench.post(.refund(6, 1, of: 2, 7, void: true))
    #expect(other.status == .ok && other.amount == 0 && !other.replayed)
    #expect(bench.post(.refund(7, 1, of: 7, nil, void: true)).status == .ok)
    #expect(bench.post(.spend(2, 1, 1)).status == .voided)
    #expect(bench.post(.spend(7, 1, 1)).status == .idConflict, "a tombstone with the spend's own id")
    #expect(bench.lookup(1, 5) == nil && bench.ledger.overview(of: 1)?.transactions == 1)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
    #expect(bench.post(.spend(2, 1, 1)).status == .voided)
  }

  /// What changes what reads show moves the position that they wait for, and replay finds the same.
  @Test func readsWaitForSettlementsAndTombstones() throws {
    var bench = Self.bench()
    var position = bench.ledger.lastPosition(of: 1)
    let other = bench.post(.purchase(1, 2, 5))
    #expect(other.status == .ok && bench.ledger.lastPosition(of: 1) == position)
    for entry in [.settle(3, 1, of: 2, used: nil), .refund(4, 1, of: 99, nil, void: true), .spend(5, 1, 1)] as [Entry] {
      let result = bench.post(entry)
      #expect(result.status == .ok)
      #expect(bench.ledger.lastPosition(of: 1) > position)
      position = bench.ledger.lastPosition(of: 1)
    }
    let fresh = try bench.replayed()
    #expect(fresh.lastPosition(of: 1) == position && fresh.lastPosition(of: 99) == 0)
  }

  @Test func partialRefunds() throws {
    var bench = Self.bench()
    bench.post([.spend(3, 1, 50)])
    let left: [UInt64] = [49, 30, 0]
    for (index, amount) in ([1, 19, nil] as [UInt64?]).enumerated() {
      let result = bench.post(.refund(UInt128(10 + index), 1, of: 3, amount))
      #expect(result.status == .ok && result.refundable == left[index])
    }
    #expect(bench.lookup(1, 3)?.refunded == 50)
    #expect(bench.lookup(1, 12)?.item.amount == 30 && bench.lookup(1, 12)?.item.flags == .remaining)
    let replay = bench.post(.refund(10, 1, of: 3, 1))
    #expect(replay.replayed && replay.amount == 1 && replay.refundable == 0, "refundable is what is left now")
    try bench.checkReplay()
  }

  @Test func unsettledSpendsAreListedNewestFirst() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 1_000)])
    bench.post((2...9).map { .spend($0, 1, UInt64($0), timeout: 9_000, note: "n\($0)") })
    bench.post([.settle(20, 1, of: 4, used: nil), .refund(21, 1, of: 9, nil), .settle(22, 1, of: 2, used: 0)])
    var page = bench.unsettled(start: 0, limit: 3)
    #expect(page.transactions.map(\.item.id) == [8, 7, 6] && page.prelude.more && page.prelude.next == 5)
    #expect(page.transactions.map(\.note) == ["n8", "n7", "n6"])
    page = bench.unsettled(start: page.prelude.next, limit: 3)
    #expect(page.transactions.map(\.item.id) == [5, 3] && !page.prelude.more && page.prelude.next == 0)
    #expect(page.prelude.total == UInt64(11) && page.transactions.allSatisfy { $0.settlement == .unsettled })
    bench.ledger.checkInvariants()
  }

  /// The cursor stays right when the spend at which it stands, and older ones, are settled between two pages.
  @Test func theCursorOfUnsettledSpendsStaysRight() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 1_000_000)])
    bench.post((2...60).map { .spend($0, 1, 1, timeout: 9_000) })
    var numbers = SeededNumbers(seed: 4)
    var start: UInt64 = 0
    var seen: [UInt32] = []
    var settled: Set<UInt32> = []
    repeat {
      let page = bench.unsettled(start: start, limit: 4)
      seen += page.transactions.map(\.sequence)
      start = page.prelude.next
      guard start != 0 else { break }
      let some = [start, start - 1 - numbers.below(start), start + numbers.below(9)]
      for sequence in some where (2...60).contains(sequence) {
        // Transaction n has the id n.
        bench.post([.settle(UInt128(1_000 + sequence), 1, of: UInt128(sequence), used: nil)])
        if !seen.contains(UInt32(sequence)) { settled.insert(UInt32(sequence)) }
      }
    } while start != 0
    let expected = (2...60).reversed().filter { !settled.contains($0) }
    #expect(seen == expected && settled.count > 10)
    bench.ledger.checkInvariants()
  }

  @Test func lookingForAnUnsettledSpendIsBounded() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 1_000_000), .spend(2, 1, 1, timeout: 9_000_000)])
    let examined = UInt64(LedgerLimits.examinedMax)
    var id: UInt128 = 3
    while id < UInt128(examined) + 103 {
      bench.post((id..<id + 5_000).map { .spend($0, 1, 1) }, stride: 16)
      id += 5_000
    }
    bench.post([.spend(id, 1, 1, timeout: 9_000_000)])
    let start = examined + 102
    let first = bench.unsettled(start: start, limit: 10)
    #expect(first.transactions.isEmpty && first.prelude.next == start - examined)
    let second = bench.unsettled(start: first.prelude.next, limit: 10)
    #expect(second.transactions.map(\.sequence) == [2] && !second.prelude.more)
  }
}

extension UInt8 {
  static var refundCode: UInt8 { TransactionType.refund.rawValue }
}
