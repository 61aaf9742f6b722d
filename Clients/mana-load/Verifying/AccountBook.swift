import ManaProtocol

/// What each account of a run must hold, according to what the server acknowledged.
struct AccountBook: Sendable {
  /// One account.
  struct Expectation: Equatable, Sendable {
    /// In micromana.
    var balance: Int64 = 0
    /// Number of transactions.
    var transactions: UInt64 = 0
  }

  private(set) var expectations: [Expectation]

  init(accounts: Int) { expectations = Array(repeating: Expectation(), count: accounts) }

  /// An acknowledged transaction, with the amount that the server gave it. Constant time.
  @inline(__always)
  mutating func apply(account index: Int, type: UInt8, amount: UInt64) {
    let amount = Int64(bitPattern: amount)
    expectations[index].balance &+= type == TransactionType.spend.rawValue ? 0 &- amount : amount
    expectations[index].transactions += 1
  }
}

/// An account that does not hold what was acknowledged.
struct Mismatch: Equatable, Sendable, CustomStringConvertible {
  var account: UInt128
  var expected: AccountBook.Expectation
  /// Nil when the server does not know the account.
  var found: AccountBook.Expectation?
  /// Whether the overview's own sums contradict its balance.
  var contradictsItself = false

  var description: String {
    let wanted = "\(expected.balance) micromana after \(expected.transactions) transactions"
    guard let found else { return "account \(account.identifierText): unknown to the server, expected \(wanted)" }
    if contradictsItself {
      return "account \(account.identifierText): its lifetime totals do not add up to its balance"
    }
    return "account \(account.identifierText): \(found.balance) micromana after \(found.transactions) transactions, "
      + "expected \(wanted)"
  }
}

/// What a verification found.
struct VerificationResult: Equatable, Sendable {
  var accounts = 0
  /// Transactions whose reply was lost with its connection, and what became of them.
  var unknownApplied = 0
  var unknownNotApplied = 0
  /// Accounts that do not hold what was acknowledged, at most `LoadLimits.mismatchesNamed` of them.
  var mismatches: [Mismatch] = []
  var mismatchCount = 0

  var passed: Bool { mismatchCount == 0 }
}
