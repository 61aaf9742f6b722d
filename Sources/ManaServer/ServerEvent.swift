import Synchronization

/// What a server tells whoever started it, as it happens. On the thread where it happens, which must not wait.
public enum ServerEvent: Sendable, Equatable {
  /// It reads its journal back: so many records so far, of all shards. At most once a second, from the first block on.
  case recovering(records: Int)
  /// It begins to read its files anew; and it goes on by them, or by the ones before.
  case reloading, reloaded
  /// It takes no further requests.
  case draining
  /// Four times a second while shard 0 turns: for how long the shard that has been silent longest has not turned, in
  /// nanoseconds.
  case turning(silentNanoseconds: UInt64)
}

/// Counts what the shards read back at the start, and says now and then how far they are.
final class RecoveryProgress: Sendable {
  /// Nanoseconds between two messages.
  private static let interval: UInt64 = 1_000_000_000

  private let records = Atomic<Int>(0)
  private let nextMessage = Atomic<UInt64>(0)

  /// Adds records that a shard has read back. The sum of all when it is time to say it, on one thread alone.
  ///
  /// - Parameter now: Nanoseconds since 1970.
  func add(_ count: Int, at now: UInt64) -> Int? {
    let sum = records.wrappingAdd(count, ordering: .relaxed).newValue
    let due = nextMessage.load(ordering: .relaxed)
    guard now >= due else { return nil }
    let isMine = nextMessage.compareExchange(expected: due, desired: now + Self.interval, ordering: .relaxed).exchanged
    return isMine ? sum : nil
  }
}
