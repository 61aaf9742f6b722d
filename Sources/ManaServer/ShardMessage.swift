import Logging

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
  /// From shard 0: the credentials were read anew.
  case credentialsChanged
  /// To shard 0: the caller with this credential, at this address, has asked for what SIGTERM asks for.
  case drainAsked(by: String, from: String)
  /// From shard 0: take no further requests.
  case drain
  /// To shard 0: none of this shard's callers waits for an answer any more.
  case quiet(shard: Int)
  /// From shard 0: nothing is in flight anywhere; close the journal and end.
  case finish
  /// From shard 0: wait for nobody; what is durable stays, whatever is not was not acknowledged.
  case finishAtOnce
  /// To shard 0: this shard has no caller left, and has closed its journal.
  case ended
}

/// What was found in the journal at the start.
public struct RecoveryReport: Sendable {
  public var accounts = 0
  public var transactions = 0
  /// Blocks and their records that were executed again: those behind the checkpoints.
  public var blocks = 0
  public var executed = 0
  /// Time from opening the journal to its last record, the slowest shard's, in nanoseconds.
  public var nanoseconds: UInt64 = 0
  /// Bytes of a torn tail that nobody had been told of.
  public var cutBytes = 0

  mutating func add(_ other: RecoveryReport) {
    accounts += other.accounts
    transactions += other.transactions
    blocks += other.blocks
    executed += other.executed
    nanoseconds = max(nanoseconds, other.nanoseconds)
    cutBytes += other.cutBytes
  }
}

extension RecoveryReport {
  /// What the log says of it.
  var metadata: Logger.Metadata {
    let seconds = Double(nanoseconds) / 1e9
    return [
      "transactions": .number(transactions), "accounts": .number(accounts), "blocks": .number(blocks),
      "executed": .number(executed),
      "milliseconds": .number(nanoseconds / 1_000_000),
      "transactionsPerSecond": .number(seconds > 0 ? Int(Double(transactions) / seconds) : 0),
    ]
  }
}

extension Logger.MetadataValue {
  /// A number that is written as one where the log's format has numbers.
  static func number(_ number: some BinaryInteger & Sendable) -> Self { .stringConvertible(number) }
  static func truth(_ truth: Bool) -> Self { .stringConvertible(truth) }
}
