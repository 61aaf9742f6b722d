// The names of the protocol that this library's signatures use, so that a caller imports one module.

/// What a transaction does to a balance: spend, purchase, refund or bonus.
@_exported public import enum ManaProtocol.TransactionType
/// What a transaction was for, as the usage page names it.
@_exported public import enum ManaProtocol.Operation
/// Why the ledger refused something; the names are those of the specification.
@_exported public import enum ManaProtocol.Status
/// How the settlement of a spend stands.
@_exported public import enum ManaProtocol.SettlementState
/// The first field in which a transaction differs from the one that already has its id.
@_exported public import enum ManaProtocol.ConflictField
/// What the server says about itself: up-time, accounts, transactions, memory.
@_exported public import struct ManaProtocol.ServerStatus
/// What each shard of the server says about itself.
@_exported public import struct ManaProtocol.ShardStatusReply
@_exported public import struct ManaProtocol.ShardStatus
/// How often a time fell into each power of two.
@_exported public import struct ManaProtocol.LatencyHistogram

extension ServerStatus {
  /// Time since the server's start.
  public var uptime: Duration { .nanoseconds(Int64(clamping: uptimeNanoseconds)) }
  /// How long the last write to the disk took, its sync included.
  public var flushLast: Duration { .nanoseconds(Int64(clamping: flushNanosecondsLast)) }
}

extension ManaClient {
  /// The ledger's operations under a name that Foundation's class `Operation` cannot hide.
  public typealias Operation = ManaProtocol.Operation
}
