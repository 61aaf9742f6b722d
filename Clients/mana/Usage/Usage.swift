import ManaClient
import ManaProtocol

/// What usage is summed by.
enum UsageGrouping: String, CaseIterable, Sendable {
  case operation
  case day
}

/// What some transactions of a history add up to. Amounts are never negative.
struct UsageSum: Equatable, Sendable {
  var spent = Mana.zero
  /// What was given back by the refunds among the transactions, whenever their spends were posted.
  var refunded = Mana.zero
  var purchased = Mana.zero
  var bonus = Mana.zero
  /// Number of transactions of any type.
  var transactions: UInt64 = 0
  /// How many things the spends were for: combos, files. Refunds take nothing off it.
  var quantity: UInt64 = 0

  /// Adds a transaction. A ledger lets no lifetime total pass 2^63 − 1 micromana, so no sum of a part of one does.
  mutating func add(_ transaction: Transaction) {
    transactions += 1
    switch transaction.type {
    case .spend:
      spent += transaction.amount
      quantity += UInt64(transaction.quantity)
    case .refund: refunded += transaction.amount
    case .purchase: purchased += transaction.amount
    case .bonus: bonus += transaction.amount
    case .settlement: preconditionFailure("a settlement is in no history")
    }
  }
}

/// A date, as a clock on a wall has it.
struct CalendarDay: Hashable, Comparable, Sendable, CustomStringConvertible {
  var year: Int
  var month: Int
  var day: Int

  static func < (left: CalendarDay, right: CalendarDay) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }

  /// `2026-01-15`.
  var description: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }
}

/// Sums over the transactions of an account, one for each operation or for each local day, and one over all of them.
///
/// The memory follows from the number of days, not from that of the transactions. A refund counts for the operation
/// `refund` and for the day on which it was posted: a day that has passed never changes any more.
struct Usage: Equatable, Sendable {
  /// What one sum is of.
  enum Key: Hashable, Sendable {
    case operation(ManaProtocol.Operation)
    case day(CalendarDay)
  }

  let grouping: UsageGrouping
  private(set) var total = UsageSum()
  private var sums: [Key: UsageSum] = [:]

  init(by grouping: UsageGrouping) { self.grouping = grouping }

  /// Adds a transaction; the order does not matter. Constant time.
  mutating func add(_ transaction: Transaction) {
    total.add(transaction)
    sums[key(of: transaction), default: UsageSum()].add(transaction)
  }

  /// The sums that have a transaction: operations in the order of their codes, days from the first to the last.
  var groups: [(key: Key, sum: UsageSum)] { sums.map { ($0.key, $0.value) }.sorted { $0.key < $1.key } }

  private func key(of transaction: Transaction) -> Key {
    guard grouping == .day else { return .operation(transaction.operation) }
    let local = WallClock.local(transaction.timestamp)
    return .day(CalendarDay(year: local.year, month: local.month, day: local.day))
  }
}

extension Usage.Key: Comparable, CustomStringConvertible {
  static func < (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.operation(let left), .operation(let right)): left.rawValue < right.rawValue
    case (.day(let left), .day(let right)): left < right
    case (.operation, .day): true
    case (.day, .operation): false
    }
  }

  var description: String {
    switch self {
    case .operation(let operation): operation.name
    case .day(let day): day.description
    }
  }
}

extension UsageSum {
  /// The members that follow the key. What is always there is `spent` and `transactions`; the rest unless it is zero.
  var members: [JSONValue.Member] {
    func unlessZero(_ key: String, _ amount: Mana) -> JSONValue.Member? {
      amount == .zero ? nil : JSONValue.Member(key: key, value: .text(amount))
    }
    let members: [JSONValue.Member?] = [
      JSONValue.Member(key: "spent", value: .text(spent)),
      JSONValue.Member(key: "transactions", value: .integer(transactions)),
      quantity == 0 ? nil : JSONValue.Member(key: "quantity", value: .integer(quantity)),
      unlessZero("refunded", refunded), unlessZero("purchased", purchased), unlessZero("bonus", bonus),
    ]
    return members.compactMap { $0 }
  }
}
