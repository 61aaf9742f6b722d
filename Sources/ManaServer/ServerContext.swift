import ManaAccess
import ManaAudit
import ManaEventLoop
import ManaJournal
import ManaProtocol
import ManaText

/// The version that the server tells its callers.
public let serverVersion = releaseVersion

/// What all shards of a server know and none changes.
struct ServerContext: Sendable {
  let configuration: ServerConfiguration
  let identity: LedgerIdentity
  /// A random number of this start.
  let instance: UInt128
  let shards: [ShardAddress]
  let conditions: StartConditions
  /// What connections are encrypted with, and a caller that speaks in the clear is refused; nil without TLS.
  var tls: TLSContext?
  /// Who is let in.
  var access = CredentialStore()
  /// Where is recorded who was refused and who made Mana; nil for nowhere.
  var audit: AuditLog?
  /// What callers have credited today, as far as that is limited.
  var creditUsage = CreditUsage()
  /// How many connections each caller has, and how fast it asks, as far as that is limited.
  var callers = Callers()
  /// Whether requests are taken.
  let readiness = Readiness()
  let recoveryProgress = RecoveryProgress()

  /// The memory that a shard has for journal segments, in bytes; nil without a limit.
  var residentShare: Int? { configuration.residentBytesMax.map { $0 / shards.count } }

  var shardMap: ShardMap { ShardMap(shardCount: identity.shardCount, seed: identity.shardHashSeed) }

  /// For how long the shard that has been silent longest has not turned, in nanoseconds, of those that turn at all.
  func silentNanoseconds(at now: UInt64) -> UInt64 {
    // A shard may have turned after `now` was read.
    shards.compactMap(\.gauges.lastTick).map { now - min(now, $0) }.max() ?? 0
  }

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

  /// What `shardStatus` answers, likewise.
  func shardStatus(_ range: Range<Int>, uptimeNanoseconds: UInt64) -> ShardStatusReply {
    ShardStatusReply(
      uptimeNanoseconds: uptimeNanoseconds,
      shards: shards[range].map { shard in
        var total = ServerStatus()
        shard.gauges.add(to: &total)
        var status = ShardStatus()
        status.accounts = total.accounts
        status.transactions = total.transactions
        status.posted = total.postedSinceStart
        status.blocksWritten = total.blocksSinceStart
        status.residentBytes = total.residentBytes
        status.connections = UInt64(clamping: shard.gauges.connections)
        shard.metrics.add(to: &status)
        return status
      })
  }
}

/// How the other shards reach a shard, and what they may read of it.
struct ShardAddress: Sendable {
  let mailbox: Mailbox<ShardMessage>
  /// Takes connections that shard 0 has accepted.
  let inlet: Inlet
  let gauges: ShardGauges
  let metrics = ShardMetrics()
}

/// What a start takes from outside, and a simulation decides itself.
struct StartConditions: Sendable {
  var random: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
  /// Transactions and accounts of a shard for which table memory is made ready; none when the first is 0.
  var preparedTransactions = ServerLimits.preparedTransactions
  var preparedAccounts = ServerLimits.preparedAccounts
  /// Of the hash by which a transaction is found, the bits that count: see `Ledger.init`.
  var hashBits = UInt64.max
  var itemsPerTurn = ServerLimits.itemsPerTurn
  /// What a failed write or sync sets off where the journals have no threads of their own; nil: they have, and it ends
  /// the process.
  var onJournalFailure: (@Sendable (JournalFailure) -> Void)?

  /// Never zero.
  func newInstance() -> UInt128 { UInt128(random()) << 64 | UInt128(random() | 1) }
}
