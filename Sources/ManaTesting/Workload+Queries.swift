public import ManaProtocol

/// A question about history together with the reference it asks for.
public struct HistoryQuestion: Equatable, Sendable {
  public var query: HistoryQuery
  /// Empty for any.
  public var reference: [UInt8]

  public init(query: HistoryQuery, reference: [UInt8] = []) {
    self.query = query
    self.reference = reference
  }
}

extension Workload {
  /// An account that may exist, and sometimes one that does not.
  public mutating func nextAccount() -> UInt128 {
    random.chance(1, in: 30) ? random.identifier() : account(anyAccount())
  }

  /// The id of something that was sent to the account with that number, or an unknown one.
  public mutating func nextLookup() -> (account: UInt128, id: UInt128) {
    let number = anyAccount()
    let known = memories[number].all.randomElement(using: &random)?.item.id ?? 1
    if random.chance(1, in: 6) { return (nextAccount(), known) }
    return (account(number), random.chance(1, in: 6) ? random.identifier() : known)
  }

  /// A moment near the present, or one at which nothing can have happened.
  public mutating func nextMoment() -> UInt64 {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: return [0, 1, Self.start - 1, .max].randomElement(using: &random)!
    case 1..<5: return clock - UInt64.random(in: 0..<2_000_000_000, using: &random)
    default:
      let end = max(clock, Self.start) + 1_000_000
      return UInt64.random(in: Self.start - 1...end, using: &random)
    }
  }

  /// A valid question with any combination of filters.
  public mutating func nextQuestion(total: Int) -> HistoryQuestion {
    var query = HistoryQuery(account: nextAccount(), limit: limit())
    query.oldestFirst = random.chance(1, in: 2)
    if random.chance(1, in: 3) { query.start = nextStart(total: total) }
    if random.chance(1, in: 4) { query.types = UInt32.random(in: 1...15, using: &random) << 1 }
    if random.chance(1, in: 4) { query.operations = UInt32.random(in: 1...255, using: &random) << 1 }
    if random.chance(1, in: 3) { query.timeFrom = nextMoment() }
    if random.chance(1, in: 3) {
      let end = nextMoment()
      if end > query.timeFrom { query.timeTo = end }
    }
    if random.chance(1, in: 5) { query.amountMin = UInt64.random(in: 0...2_000_000, using: &random) }
    if random.chance(1, in: 5) { query.amountMax = query.amountMin + UInt64.random(in: 1...9_000_000, using: &random) }
    if random.chance(1, in: 10) {
      let number = anyAccount()
      query.account = account(number)
      let spends = random.chance(1, in: 4) ? memories[number].unsettled : memories[number].spends
      let spend = spends.randomElement(using: &random)?.item
      // A timeout stands where a related id would stand, and is none.
      query.related = spend.map { $0.related != 0 && random.chance(1, in: 2) ? $0.related : $0.id } ?? 1
    }
    return HistoryQuestion(query: query, reference: random.chance(1, in: 10) ? text() : [])
  }

  /// A sequence number to start at: none, one of the account's, one beyond its end.
  public mutating func nextStart(total: Int) -> UInt64 {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: 0
    case 1: [UInt64(total) + 1, 1 << 32, .max].randomElement(using: &random)!
    default: UInt64.random(in: 1...UInt64(max(1, total)), using: &random)
    }
  }

  /// A page size.
  public mutating func limit() -> Int {
    [1, 2, 7, 100, Limits.pageMax, Int.random(in: 1...50, using: &random)].randomElement(using: &random)!
  }

  /// Whether something happens that is meant to happen `part` times in `whole`.
  public mutating func chance(_ part: Int, in whole: Int) -> Bool { random.chance(part, in: whole) }

  /// A number within `range`.
  public mutating func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
}
