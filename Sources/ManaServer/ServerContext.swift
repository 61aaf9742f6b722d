import ManaEventLoop
import ManaJournal
import ManaProtocol

/// The version that the server tells its callers.
public let serverVersion = "0.1.0"

/// What all shards of a server know and none changes.
struct ServerContext: Sendable {
  let configuration: ServerConfiguration
  let identity: LedgerIdentity
  /// A random number of this start.
  let instance: UInt128
  let shards: [ShardAddress]
  let conditions: StartConditions

  var shardMap: ShardMap { ShardMap(shardCount: identity.shardCount, seed: identity.shardHashSeed) }

  /// Connections of all shards.
  var connectionCount: Int { shards.reduce(0) { $0 + $1.gauges.connections } }

  /// What `serverStatus` answers, from what the shards published at the end of their last turns.
  func status(uptimeNanoseconds: UInt64) -> ServerStatus {
    var status = ServerStatus()
    status.uptimeNanoseconds = uptimeNanoseconds
    for shard in shards { shard.gauges.add(to: &status) }
    status.connections = UInt32(clamping: connectionCount)
    status.shardCount = UInt32(shards.count)
    return status
  }
}

/// How the other shards reach a shard, and what they may read of it.
struct ShardAddress: Sendable {
  let mailbox: Mailbox<ShardMessage>
  /// Takes connections that shard 0 has accepted.
  let inlet: Inlet
  let gauges: ShardGauges
}

/// What a start takes from outside, and a simulation decides itself.
struct StartConditions: Sendable {
  var random: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
  /// Transactions and accounts of a shard for which table memory is made ready; none when the first is 0.
  var preparedTransactions = ServerLimits.preparedTransactions
  var preparedAccounts = ServerLimits.preparedAccounts
  /// What a failed write or sync sets off where the journals have no threads of their own; nil: they have, and it ends
  /// the process.
  var onJournalFailure: (@Sendable (JournalFailure) -> Void)?

  /// Never zero.
  func newInstance() -> UInt128 { UInt128(random()) << 64 | UInt128(random() | 1) }
}
