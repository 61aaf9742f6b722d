import ManaProtocol
import Testing

@testable import ManaLedger

/// How much of an account with a million transactions a reading call looks at. Reads are counted, not timed: the bounds
/// hold on any machine and in any build.
@Suite struct LargeHistoryTests {
  static let account: UInt128 = 9
  static let count: UInt64 = 1_000_000
  /// The first transaction's time, and the time between two, in nanoseconds.
  static let (start, step): (UInt64, UInt64) = (1_000_000, 1_000)

  /// Most reads of one search: along the roots and down a tree, two a level, in a history of 2^20 at most.
  static let searchReadsMax = 3 * 20 + 2

  /// Transaction *n* has the amount *n*. A thousand are posted at a time, the first of them at `time(n)`.
  private static func bench() -> Bench {
    var bench = Bench()
    let block: UInt64 = 1_000
    for first in stride(from: 1, through: count, by: Int(block)) {
      bench.now = time(first)
      bench.post((first..<first + block).map { .bonus(UInt128($0), account, $0) }, stride: 16)
    }
    return bench
  }

  /// What a call answered, and how many records it read for that.
  private static func ask(
    _ bench: inout Bench, _ query: HistoryQuery
  ) throws -> (page: TransactionPage, reads: Int) {
    let base = UnsafeMutableRawPointer.allocate(byteCount: Bench.replyBytes, alignment: 8)
    defer { base.deallocate() }
    let outcome = try bench.ledger.list(
      query, reference: UnsafeRawBufferPointer(start: nil, count: 0), into: base, capacity: Bench.replyBytes)
    return (try TransactionPage(UnsafeRawBufferPointer(start: base, count: outcome.bytes)), outcome.reads)
  }

  private static func query(
    limit: Int = 20, oldestFirst: Bool = false, start: UInt64 = 0, from: UInt64 = 0, to: UInt64 = 0
  ) -> HistoryQuery {
    var query = HistoryQuery(account: account, limit: limit)
    (query.oldestFirst, query.start, query.timeFrom, query.timeTo) = (oldestFirst, start, from, to)
    return query
  }

  /// When the block that transaction `number` begins was posted.
  private static func time(_ number: UInt64) -> UInt64 { start + number * step }

  /// One test for all calls, because making the history takes longer than asking about it.
  @Test func callsReadWhatTheyAnswerAndTheWayThere() throws {
    var bench = Self.bench()
    try checkPages(&bench)
    try checkBalances(bench)
    for oldestFirst in [false, true] { try checkBudget(&bench, oldestFirst: oldestFirst) }
    bench.ledger.checkInvariants()
  }

  private func checkPages(_ bench: inout Bench) throws {
    let count = Self.count
    let middle = Self.time(500_001)
    // What is asked, the newest or oldest sequence number that must come first, and how many searches it may take.
    let cases: [(name: String, query: HistoryQuery, first: UInt64, searches: Int)] = [
      ("first page", Self.query(), count, 0),
      ("first page of a thousand", Self.query(limit: 1_000), count, 0),
      ("page 5,000", Self.query(start: count - 4_999 * 20), count - 99_980, 1),
      ("page 5,000 from the oldest", Self.query(oldestFirst: true, start: 4_999 * 20 + 1), 99_981, 1),
      ("the oldest", Self.query(oldestFirst: true), 1, 1),
      ("the last page", Self.query(start: 20), 20, 1),
      ("before the middle", Self.query(to: middle), 500_000, 2),
      ("from the middle on", Self.query(oldestFirst: true, from: middle), 500_001, 2),
      ("a block in the middle", Self.query(from: middle, to: Self.time(501_001)), 501_000, 3),
    ]
    for (name, query, first, searches) in cases {
      let (page, reads) = try Self.ask(&bench, query)
      #expect(page.transactions.count == query.limit && UInt64(page.transactions[0].sequence) == first, "\(name)")
      // Oldest first, a window of 64 at least is gathered from new to old, and then examined in the other direction.
      let gathered = query.oldestFirst ? max(query.limit, LedgerLimits.windowMin) : 0
      let most = searches * Self.searchReadsMax + gathered + query.limit
      #expect(reads <= most && reads >= query.limit, "\(name): \(reads) reads, at most \(most)")
      #expect(page.prelude.examined == UInt64(query.limit), "\(name)")
    }
  }

  private func checkBalances(_ bench: borrowing Bench) throws {
    let head = bench.ledger.lastPosition(of: Self.account)
    var numbers = SeededNumbers(seed: 11)
    let chosen = [1, 1_000, 1_001, 500_001, Self.count] + (0..<2_000).map { _ in 1 + numbers.below(Self.count) }
    for number in chosen {
      let place = try bench.ledger.records.position(ofSequence: UInt32(number), from: head)
      let record = bench.ledger.records.recordAtHand(place.position)
      let time = record.timestamp
      let found = try bench.ledger.balance(of: Self.account, at: time)
      let expected = Int64(number * (number + 1) / 2)
      #expect(found == BalanceAt(balance: expected, sequence: number, timestamp: time), "seed 11, \(number)")
      let reads = try bench.ledger.records.newest(from: head) { $0.timestamp <= time }.reads
      #expect(reads <= Self.searchReadsMax, "seed 11, transaction \(number): \(reads) reads")
    }
  }

  /// A filter that nothing matches costs a call its budget and no more; the cursor goes on through the whole history.
  private func checkBudget(_ bench: inout Bench, oldestFirst: Bool) throws {
    let budget = UInt64(LedgerLimits.examinedMax)
    var query = Self.query(limit: 1_000, oldestFirst: oldestFirst)
    query.types = 1 << UInt32(TransactionType.spend.rawValue)
    // A window of a thousand is found by a search, gathered, and examined; newest first, a call searches only once.
    let windows = LedgerLimits.examinedMax / LedgerLimits.windowMax
    let gathered = oldestFirst ? windows * Self.searchReadsMax + LedgerLimits.examinedMax : Self.searchReadsMax
    var calls: UInt64 = 0
    repeat {
      let (page, reads) = try Self.ask(&bench, query)
      calls += 1
      #expect(page.transactions.isEmpty && page.prelude.examined == budget, "call \(calls)")
      #expect(page.prelude.more == (page.prelude.next != 0) && page.prelude.total == Self.count)
      #expect(reads <= LedgerLimits.examinedMax + gathered, "call \(calls): \(reads) reads")
      let next = oldestFirst ? calls * budget + 1 : Self.count - calls * budget
      #expect(page.prelude.next == (calls == Self.count / budget ? 0 : next), "call \(calls)")
      query.start = page.prelude.next
    } while query.start != 0 && calls < Self.count
    #expect(calls == Self.count / budget)
  }
}
