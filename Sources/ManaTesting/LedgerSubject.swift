public import ManaProtocol

/// A reply's body, or the status that came instead.
public enum Answer: Equatable, Sendable {
  case body([UInt8])
  case refused(Status)
}

/// What a subject made of a batch.
public struct PostAnswer: Equatable, Sendable {
  /// The results in the layout of the wire, in the stride that the batch asks for.
  public var results: [UInt8]
  public var posted: Int
  public var replayed: Int
  public var refused: Int
  /// Whether an atomic batch took effect, or had done so before.
  public var atomicApplied: Bool

  public init(results: [UInt8], posted: Int, replayed: Int, refused: Int, atomicApplied: Bool) {
    self.results = results
    self.posted = posted
    self.replayed = replayed
    self.refused = refused
    self.atomicApplied = atomicApplied
  }
}

/// A ledger of one shard that can be held against the reference. Times are nanoseconds since 1970.
public protocol LedgerSubject: AnyObject {
  func post(_ batch: ItemBatch, now: UInt64) -> PostAnswer
  /// Posts the refunds of settlements that timed out and returns their number.
  func expire(now: UInt64, limit: Int) -> Int
  var nextDeadline: UInt64? { get }

  func overview(of account: UInt128) -> AccountOverview?
  func list(_ question: HistoryQuestion, capacity: Int) -> Answer
  func listUnsettled(account: UInt128, start: UInt64, limit: Int, capacity: Int) -> Answer
  func lookup(account: UInt128, id: UInt128) -> Answer
  func balance(of account: UInt128, at time: UInt64) -> BalanceAt?

  var accountCount: Int { get }
  var transactionCount: Int { get }
  var lastTimestamp: UInt64 { get }
  /// A sum of everything that the state consists of.
  var digest: UInt64 { get }

  /// Forgets everything but what was recorded, and builds the state up from that again.
  func restart() throws
  /// Stops the process when the state contradicts itself.
  func checkInvariants()
}
