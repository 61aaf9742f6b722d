import ManaLedger
import ManaProtocol
import Testing

@Suite struct ListTests {
  /// The filters as the specification words them, over the whole history.
  private static func matches(_ transaction: Transaction, _ query: HistoryQuery, _ reference: String) -> Bool {
    let item = transaction.item
    if query.types != 0 && query.types >> item.type & 1 == 0 { return false }
    if query.operations != 0 && query.operations >> item.operation & 1 == 0 { return false }
    if query.timeFrom != 0 && transaction.timestamp < query.timeFrom { return false }
    if query.timeTo != 0 && transaction.timestamp >= query.timeTo { return false }
    if item.amount < query.amountMin || query.amountMax != 0 && item.amount > query.amountMax { return false }
    if query.related != 0 && (item.related != query.related || item.type == TransactionType.spend.rawValue) {
      return false
    }
    if query.start != 0 {
      let sequence = UInt64(transaction.sequence)
      if query.oldestFirst ? sequence < query.start : sequence > query.start { return false }
    }
    return reference.isEmpty || transaction.reference == reference
  }

  private static func history(_ seed: UInt64, _ count: Int) -> Bench {
    var bench = Bench(seed: seed)
    var workload = Workload(numbers: SeededNumbers(seed: seed), ids: 100_000)
    bench.post([.purchase(200_000, 1, 1_000_000, reference: "r")])
    for _ in 0..<count / 20 {
      bench.now += workload.numbers.below(2_000)
      bench.post((0..<20).map { _ in workload.entry(UInt128(1 + workload.numbers.below(2))) })
    }
    return bench
  }

  private static func query(_ numbers: inout SeededNumbers, _ all: [Transaction]) -> HistoryQuery {
    var query = HistoryQuery(account: 1, limit: 1 + Int(numbers.below(40)))
    func one() -> Transaction { all[Int(numbers.below(UInt64(all.count)))] }
    query.oldestFirst = numbers.below(2) == 0
    if numbers.below(3) == 0 { query.start = 1 + numbers.below(UInt64(all.count) + 5) }
    if numbers.below(3) == 0 { query.types = UInt32(numbers.below(32)) & HistoryQuery.typesMask }
    if numbers.below(4) == 0 { query.operations = UInt32(numbers.below(512)) & HistoryQuery.operationsMask }
    if numbers.below(3) == 0 { query.timeFrom = one().timestamp + numbers.below(3) - 1 }
    if numbers.below(3) == 0 { query.timeTo = max(query.timeFrom + 1, one().timestamp + numbers.below(3) - 1) }
    if numbers.below(4) == 0 { query.amountMin = numbers.below(40) }
    if numbers.below(4) == 0 { query.amountMax = query.amountMin + numbers.below(30) }
    if numbers.below(6) == 0 { query.related = one().item.related }
    return query
  }

  /// Random queries, followed from page to page, against the filtered history.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func pagesAddUpToTheFilteredHistory(seed: UInt64) {
    var bench = Self.history(seed, 1_000)
    var numbers = SeededNumbers(seed: seed &+ 1_000)
    let all = bench.page(HistoryQuery(account: 1, limit: 1_000)).transactions
    #expect(all.map(\.sequence) == (1...UInt32(all.count)).reversed() && all.count > 200)
    for step in 0..<150 {
      var query = Self.query(&numbers, all)
      let reference = numbers.below(6) == 0 ? all[Int(numbers.below(UInt64(all.count)))].reference : ""
      let capacity = numbers.below(3) == 0 ? LedgerLimits.pageBytesMin + Int(numbers.below(2_000)) : Bench.replyBytes
      var expected = all.filter { Self.matches($0, query, reference) }
      if query.oldestFirst { expected.reverse() }
      var found: [Transaction] = []
      for _ in 0...all.count {
        let page = bench.page(query, reference: reference, capacity: capacity)
        #expect(page.transactions.count <= query.limit && page.prelude.total == UInt64(all.count))
        #expect(page.prelude.balance == all[0].balanceAfter && page.prelude.more == (page.prelude.next != 0))
        found += page.transactions
        query.start = page.prelude.next
        if !page.prelude.more { break }
      }
      #expect(found == expected, "seed \(seed), step \(step): \(query)")
    }
  }

  @Test func aCallExaminesABoundedNumberOfRecords() {
    var bench = Bench()
    let count = UInt64(LedgerLimits.examinedMax + 5_000)
    var next: UInt64 = 1
    while next <= count {
      bench.post((next..<min(next + 5_000, count + 1)).map { .bonus(UInt128($0), 1, $0) }, stride: 16)
      next += 5_000
    }
    for oldestFirst in [false, true] {
      var query = HistoryQuery(account: 1, limit: 10)
      query.oldestFirst = oldestFirst
      query.amountMin = oldestFirst ? count : 1
      query.amountMax = oldestFirst ? 0 : 1
      let first = bench.page(query)
      #expect(first.transactions.isEmpty && first.prelude.examined == UInt64(LedgerLimits.examinedMax))
      #expect(first.prelude.next == (oldestFirst ? UInt64(LedgerLimits.examinedMax) + 1 : 5_000))
      query.start = first.prelude.next
      let second = bench.page(query)
      #expect(second.transactions.count == 1 && !second.prelude.more && second.prelude.examined == 5_000)
    }
  }

  @Test func timeRangesAreFoundWithoutScanning() {
    var bench = Bench()
    for number in 1...UInt64(50) {
      bench.now = number * 1_000_000
      bench.post((1...40).map { .bonus(UInt128(number * 100 + $0), 1, 1) }, stride: 16)
    }
    // Bounds at the first and the last transaction, and beyond them.
    let (first, last) = (UInt64(1_000_000), UInt64(50_000_039))
    let bounds: [(from: UInt64, to: UInt64, count: Int)] = [
      (0, first, 0), (0, first + 1, 1), (first, 0, 1_000), (first + 1, first + 2, 1), (last, 0, 1), (last + 1, 0, 0),
      (last, last + 1, 1), (last - 1, last, 1), (last - 1, last + 1, 2), (1, 2, 0), (1_000_040, 2_000_000, 0),
    ]
    for bound in bounds {
      for oldestFirst in [false, true] {
        var query = HistoryQuery(account: 1, limit: 1_000)
        (query.timeFrom, query.timeTo, query.oldestFirst) = (bound.from, bound.to, oldestFirst)
        #expect(bench.page(query).transactions.count == bound.count, "\(bound)")
      }
    }
    var query = HistoryQuery(account: 1, limit: 1_000)
    query.timeFrom = 20_000_000
    query.timeTo = 21_000_000
    for oldestFirst in [false, true] {
      query.oldestFirst = oldestFirst
      let page = bench.page(query)
      #expect(page.transactions.count == 40 && page.prelude.examined == 40 && !page.prelude.more)
    }
  }

  @Test func whatCannotBeAnswered() throws {
    var bench = Self.history(1, 40)
    let base = UnsafeMutableRawPointer.allocate(byteCount: 4_096, alignment: 8)
    defer { base.deallocate() }
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    let unknown = try bench.ledger.list(
      HistoryQuery(account: 99, limit: 1), reference: none, into: base, capacity: 4_096)
    #expect(unknown == ListOutcome(status: .accountUnknown))
    let invalid = try bench.ledger.list(
      HistoryQuery(account: 1, limit: 0), reference: none, into: base, capacity: 4_096)
    #expect(invalid == ListOutcome(status: .invalidFilter))
    let unsettled = try bench.ledger.listUnsettled(account: 99, start: 0, limit: 1, into: base, capacity: 4_096)
    #expect(unsettled == ListOutcome(status: .accountUnknown))
    let zero = try bench.ledger.listUnsettled(account: 1, start: 0, limit: 0, into: base, capacity: 4_096)
    #expect(zero == ListOutcome(status: .invalidFilter))
    let account = try bench.ledger.lookup(account: 99, id: 1, into: base, capacity: 4_096)
    #expect(account == LookupOutcome(status: .accountUnknown))
    let transaction = try bench.ledger.lookup(account: 1, id: 999_999, into: base, capacity: 4_096)
    #expect(transaction == LookupOutcome(status: .transactionUnknown))
    #expect(bench.ledger.overview(of: 99) == nil && bench.ledger.lastPosition(of: 99) == 0)
  }

  @Test func theOverviewAddsUp() throws {
    let bench = Self.history(7, 400)
    let found = bench.ledger.overview(of: 1)
    let overview = try #require(found)
    let credits = overview.lifetime(.purchase) + overview.lifetime(.bonus) + overview.lifetime(.refund)
    #expect(UInt64(overview.balance) == credits - overview.lifetime(.spend))
    #expect(overview.operations.reduce(0) { $0 + $1.count } == overview.transactions)
  }
}
