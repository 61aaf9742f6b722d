import ManaProtocol

/// What became of the requests of a run.
struct Tally: Equatable, Sendable {
  /// Requests that were answered, with an error or without.
  var requests: UInt64 = 0
  /// Transactions that were posted.
  var accepted: UInt64 = 0
  /// Transactions that the ledger had already: more than none means that ids were repeated.
  var replayed: UInt64 = 0
  /// Transactions in the pages that were read.
  var read: UInt64 = 0
  /// By status code of an item. A status that version 1 does not have is a violation of the protocol and never gets here.
  var refusals = [UInt64](repeating: 0, count: Int(Status.transactionUnknown.rawValue) + 1)
  /// Requests that were refused as a whole, by status.
  var errors: [Status: UInt64] = [:]
  /// Requests whose connection was cut before their reply came.
  var unknown: UInt64 = 0
  /// The reason of the latest cut.
  var lastCut: String?

  var refused: UInt64 { refusals.reduce(0, +) }
  var errorCount: UInt64 { errors.values.reduce(0, +) }
  /// Refusals and errors by name, in the order of their codes.
  var failures: [(name: String, count: UInt64)] {
    let items = refusals.indices.filter { refusals[$0] > 0 }.map { (UInt16($0), refusals[$0]) }
    let requests = errors.map { ($0.key.rawValue, $0.value) }.sorted { $0.0 < $1.0 }
    return (items + requests).map { (Status(rawValue: $0.0)?.name ?? "status \($0.0)", $0.1) }
  }
}
