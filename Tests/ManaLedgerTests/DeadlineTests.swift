import ManaLedger
import ManaProtocol
import Testing

/// Settlement deadlines under a clock that the test winds: across a crash, backwards, and many at once.
@Suite struct DeadlineTests {
  private static let second: UInt64 = 1_000_000_000

  /// A ledger into which the first `count` blocks of the journal were replayed: what a crash has left of it.
  private static func survivor(_ bench: borrowing Bench, blocks count: Int) throws -> Ledger {
    var fresh = Ledger(records: bench.journal.space, tableSeed: 99)
    for index in 0..<count {
      let block = bench.journal.blocks[index]
      try fresh.replay(
        block: UnsafeRawBufferPointer(bench.journal.bytes(index)), firstPosition: block.position,
        recordCount: block.records)
    }
    return fresh
  }

  /// At whichever block the journal ends, the deadlines are those that the ledger had when it wrote that block.
  @Test func aReplayKnowsTheDeadlinesOfEachMoment() throws {
    var bench = Bench()
    var moments: [(deadline: UInt64?, unsettled: Int, digest: UInt64)] = []
    func note(_ bench: borrowing Bench) {
      moments.append((bench.ledger.nextDeadline, bench.ledger.unsettledCount, bench.ledger.digest))
    }
    bench.post([.purchase(1, 1, 1_000)])
    note(bench)
    for (id, timeout) in [(2, 5_000), (3, 2_000), (4, 9_000), (5, 3_000), (6, 7_000)] as [(UInt128, UInt128)] {
      bench.now += Self.second / 10
      bench.post([.spend(id, 1, UInt64(id), timeout: timeout)])
      note(bench)
    }
    bench.post([.settle(20, 1, of: 3, used: nil)])
    note(bench)
    bench.post([.settle(21, 1, of: 5, used: 1)])
    note(bench)
    bench.post([.refund(22, 1, of: 2, 1)])
    note(bench)
    bench.now += 20 * Self.second
    #expect(bench.expire(1) == 1)
    note(bench)
    #expect(bench.expire(5) == 1)
    note(bench)
    #expect(moments.map(\.unsettled) == [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0])
    try #require(bench.journal.blocks.count == moments.count)
    for (index, moment) in moments.enumerated() {
      let fresh = try Self.survivor(bench, blocks: index + 1)
      let found = (fresh.nextDeadline, fresh.unsettledCount, fresh.digest)
      #expect(found == moment, "after block \(index)")
      fresh.checkInvariants()
    }
  }

  /// A deadline that passes between a crash and the restart is made up for by the first call, once.
  @Test func aDeadlineThatPassesDuringACrashIsMadeUpForOnce() throws {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100), .spend(2, 1, 40, timeout: 5_000), .spend(3, 1, 7, timeout: 60_000)])
    bench.ledger = try bench.replayed()
    #expect(bench.expire() == 0, "no time has passed")
    bench.now += 30 * Self.second
    #expect(bench.expire() == 1)
    #expect(bench.ledger.overview(of: 1)?.balance == 93)
    bench.ledger = try bench.replayed(seed: 78)
    #expect(bench.expire() == 0, "the refund is in the journal")
    #expect(bench.ledger.overview(of: 1)?.balance == 93 && bench.ledger.unsettledCount == 1)
    bench.now += 31 * Self.second
    #expect(bench.expire() == 1)
    #expect(bench.ledger.overview(of: 1)?.balance == 100 && bench.ledger.nextDeadline == nil)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  /// A timeout whose record cannot be read is put off by an hour, and those behind it are not kept waiting.
  @Test func theEarliestIsPutOff() throws {
    var bench = Bench()
    bench.post([.purchase(1, 1, 100), .spend(2, 1, 40, timeout: 1_000), .spend(3, 1, 7, timeout: 2_000)])
    bench.now += 10 * Self.second
    bench.ledger.postponeEarliestDeadline(now: bench.now)
    #expect(bench.ledger.unsettledCount == 2)
    #expect(bench.expire() == 1)
    #expect(bench.ledger.overview(of: 1)?.balance == 60 && bench.ledger.unsettledCount == 1)
    #expect(bench.ledger.nextDeadline == bench.now + 3_600 * Self.second)
    bench.now += 3_600 * Self.second
    #expect(bench.expire() == 1)
    #expect(bench.ledger.overview(of: 1)?.balance == 100)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  /// Deadlines count from the ledger's own time, which never goes back: a clock that does refunds nothing early, and
  /// when it has caught up each spend has had its whole timeout.
  @Test(arguments: [false, true]) func aClockThatJumpsBackRefundsNothingEarly(crashes: Bool) throws {
    var bench = Bench()
    let hour = 3_600 * Self.second
    let before = 2 * hour
    bench.now = before
    bench.post([.purchase(1, 1, 100), .spend(2, 1, 10, timeout: 5_000)])
    bench.now = before - hour
    if crashes { bench.ledger = try bench.replayed() }
    let late = bench.post(.spend(3, 1, 20, timeout: 5_000))
    #expect(late.status == .ok && late.timestamp == before + 2, "a nanosecond after the newest, not an hour before it")
    #expect(bench.ledger.nextDeadline == before + 1 + 5 * Self.second)
    for now in [before - hour, before - hour + 5 * Self.second, before, before + 5 * Self.second] {
      bench.now = now
      #expect(bench.expire() == 0, "at \(now)")
    }
    bench.now = before + 1 + 5 * Self.second
    #expect(bench.expire() == 1)
    bench.now = before
    #expect(bench.expire() == 0, "the clock went back again")
    if crashes { bench.ledger = try bench.replayed(seed: 79) }
    bench.now = before + 2 + 5 * Self.second
    #expect(bench.expire() == 1)
    let times = bench.page(HistoryQuery(account: 1, limit: 10)).transactions.map(\.timestamp)
    #expect(times == [bench.now, bench.now - 1, before + 2, before + 1, before])
    #expect(bench.ledger.overview(of: 1)?.balance == 100)
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  /// 100,000 spends whose deadlines are the same nanosecond: no call does more than it was allowed to, the refunds come
  /// in the order of the spends, and a crash in the middle changes neither.
  @Test func aHundredThousandAtOnceAreSpreadOverCalls() throws {
    var bench = Bench()
    let (count, limit, accounts) = (100_000, 1_000, 50)
    bench.post((1...UInt128(accounts)).map { .purchase(1_000_000 + $0, $0, 1_000_000) })
    // The later a spend is posted, the shorter its timeout: each is the only one of its millisecond.
    let deadline = 1_000 * Self.second
    for index in 0..<count {
      let milliseconds = UInt64(index + 1)
      bench.now = milliseconds * 1_000_000
      let id = UInt128(index + 1)
      bench.post(
        [.spend(id, 1 + UInt128(index % accounts), 1, timeout: UInt128(1_000_000 - milliseconds))], stride: 16)
    }
    #expect(bench.ledger.unsettledCount == count && bench.ledger.nextDeadline == deadline)
    bench.now = deadline - 1
    #expect(bench.expire(limit) == 0)
    bench.now = deadline
    let blocksBefore = bench.journal.blocks.count
    for call in 1...count / limit {
      #expect(bench.expire(limit) == limit, "call \(call)")
      #expect(bench.ledger.unsettledCount == count - call * limit, "call \(call)")
      let block = bench.journal.blocks[blocksBefore + call - 1]
      #expect(block.records == limit && block.bytes <= Ledger.expiryBytesMax(limit: limit), "call \(call)")
      if call == 37 { bench.ledger = try bench.replayed() }
    }
    #expect(bench.expire(limit) == 0 && bench.ledger.nextDeadline == nil)
    #expect(bench.journal.blocks.count == blocksBefore + count / limit)
    for account in [1, 17, 50] as [UInt128] {
      let overview = bench.ledger.overview(of: account)
      #expect(overview?.balance == 1_000_000 && overview?.unsettled == 0)
      var query = HistoryQuery(account: account, limit: 1_000)
      query.types = 1 << UInt32(TransactionType.refund.rawValue)
      query.oldestFirst = true
      let refunds = bench.page(query).transactions
      #expect(refunds.map(\.item.related) == (0..<1_000).map { account + UInt128($0 * accounts) })
      #expect(refunds.allSatisfy { $0.timestamp >= deadline && $0.note == "timeout" })
    }
    bench.ledger.checkInvariants()
    let fresh = try bench.replayed(seed: 80)
    let (digest, expected) = (fresh.digest, bench.ledger.digest)
    #expect(digest == expected)
  }
}
