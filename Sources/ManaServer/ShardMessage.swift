/// What shards tell each other.
enum ShardMessage: Sendable {
  /// Execute this, and send it back.
  case request(Part)
  /// It is executed and durable.
  case reply(Part)
  /// To shard 0: this shard has recovered and can serve.
  case ready(shard: Int, RecoveryReport)
  /// To shard 0: this shard cannot serve.
  case failed(ServerError)
  /// From shard 0: take no further requests.
  case drain
  /// To shard 0: none of this shard's callers waits for an answer any more.
  case quiet(shard: Int)
  /// From shard 0: nothing is in flight anywhere; close the journal and end.
  case finish
}

/// What was found in the journal at the start.
public struct RecoveryReport: Sendable {
  public var accounts = 0
  public var transactions = 0
  public var blocks = 0
  /// Time from opening the journal to its last record, the slowest shard's, in nanoseconds.
  public var nanoseconds: UInt64 = 0
  /// Bytes of a torn tail that nobody had been told of.
  public var cutBytes = 0

  mutating func add(_ other: RecoveryReport) {
    accounts += other.accounts
    transactions += other.transactions
    blocks += other.blocks
    nanoseconds = max(nanoseconds, other.nanoseconds)
    cutBytes += other.cutBytes
  }
}
