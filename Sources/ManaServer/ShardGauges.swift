import ManaProtocol
import Synchronization

/// Figures that a shard publishes once a turn, for any shard to read. Each is right by itself; together they are a
/// snapshot of no particular moment.
final class ShardGauges: Sendable {
  private let accounts = Atomic<UInt64>(0)
  private let transactions = Atomic<UInt64>(0)
  private let posted = Atomic<UInt64>(0)
  private let blocks = Atomic<UInt64>(0)
  private let flushNanosecondsLast = Atomic<UInt64>(0)
  private let residentBytes = Atomic<UInt64>(0)
  private let openConnections = Atomic<Int>(0)
  private let tick = Atomic<UInt64>(0)

  /// Connections of the shard.
  var connections: Int { openConnections.load(ordering: .relaxed) }

  /// When the shard's loop last came to its tick, on the loops' clock in nanoseconds; nil before the first, and after
  /// the end.
  var lastTick: UInt64? {
    let last = tick.load(ordering: .relaxed)
    return last == 0 ? nil : last
  }

  func ticked(at now: UInt64) { tick.store(now, ordering: .relaxed) }
  func ended() { tick.store(0, ordering: .relaxed) }

  func connectionOpened() { openConnections.wrappingAdd(1, ordering: .relaxed) }
  func connectionClosed() { openConnections.wrappingSubtract(1, ordering: .relaxed) }
  func add(posted count: Int) { posted.wrappingAdd(UInt64(count), ordering: .relaxed) }

  func publish(accounts: Int, transactions: Int, blocks: UInt64, flushNanosecondsLast: UInt64, residentBytes: Int) {
    self.accounts.store(UInt64(accounts), ordering: .relaxed)
    self.transactions.store(UInt64(transactions), ordering: .relaxed)
    self.blocks.store(blocks, ordering: .relaxed)
    self.flushNanosecondsLast.store(flushNanosecondsLast, ordering: .relaxed)
    self.residentBytes.store(UInt64(residentBytes), ordering: .relaxed)
  }

  /// Adds the shard's figures to the server's.
  func add(to status: inout ServerStatus) {
    status.accounts += accounts.load(ordering: .relaxed)
    status.transactions += transactions.load(ordering: .relaxed)
    status.postedSinceStart += posted.load(ordering: .relaxed)
    status.blocksSinceStart += blocks.load(ordering: .relaxed)
    status.residentBytes += residentBytes.load(ordering: .relaxed)
    status.flushNanosecondsLast = max(status.flushNanosecondsLast, flushNanosecondsLast.load(ordering: .relaxed))
  }
}
