import ArgumentParser
import ManaProtocol

/// What a run does.
enum Scenario: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// Batches of combination charges, 0.01 Mana each.
  case combinationBatches = "combination-batches"
  /// The same charge, one a request.
  case singleCalls = "single-calls"
  /// Requests of every kind: see `Mix`.
  case mixed
  /// Pages of histories, newest first.
  case reads

  /// What `--help` says of each.
  var summary: String {
    switch self {
    case .combinationBatches: "batches of spends of 0.01 Mana, operation combination"
    case .singleCalls: "the same spend, one a request"
    case .mixed: "70 % spend, 10 % refund, 5 % purchase, 5 % bonus, 10 % listTransactions"
    case .reads: "pages of histories, newest first"
    }
  }

  /// Transactions in a request unless `--batch` says otherwise.
  var batchDefault: Int {
    switch self {
    case .combinationBatches: Limits.itemsMax
    case .singleCalls, .mixed, .reads: 1
    }
  }

  /// Requests in flight on each connection unless `--in-flight` says otherwise: enough to keep a server busy.
  var inFlightDefault: Int {
    switch self {
    case .combinationBatches: 4
    case .singleCalls: 512
    case .mixed, .reads: 64
    }
  }

  /// Whether requests post anything.
  var posts: Bool { self != .reads }
  /// Whether requests read pages.
  var lists: Bool { self == .mixed || self == .reads }
}

/// The shares of `mixed`, in hundredths of its requests. A request of spends, refunds, purchases and bonuses is one
/// `post`, whose items are drawn in these proportions.
enum Mix {
  static let spend = 70
  static let refund = 10
  static let purchase = 5
  static let bonus = 5
  static let listTransactions = 10
  /// Of the shares that post something.
  static let posting = spend + refund + purchase + bonus
}

/// What the operations of a spend cost here, in micromana.
enum Price {
  static let combination: UInt64 = 10_000

  /// The spends of `mixed`, each as often as any other.
  static let mixed: [(operation: Operation, amount: UInt64)] = [
    (.imageGeneration, 1_500_000), (.detection, 100_000), (.variation, 1_000_000), (.combination, combination),
    (.export, 50_000),
  ]
}
