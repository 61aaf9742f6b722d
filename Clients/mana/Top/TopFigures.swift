import ManaClient
import ManaProtocol

/// What happened on a shard, or on all, between two answers of a server.
struct TopFigures: Equatable {
  /// How things are at the end; counters since the server's start.
  var now: ShardStatus
  /// What the counters and histograms grew by.
  var grown: ShardStatus
  /// Over how long, by the server's clock, in nanoseconds; at least 1.
  var nanoseconds: UInt64

  /// How often a second, of a counter.
  func rate(_ counter: KeyPath<ShardStatus, UInt64>) -> Double {
    Double(grown[keyPath: counter]) * 1e9 / Double(nanoseconds)
  }
}

/// Two answers of a server, one after the other: what `mana top` shows.
struct TopSample {
  let shards: [TopFigures]
  let total: TopFigures
  let uptimeNanoseconds: UInt64

  /// Without an earlier answer, and after a restart, the figures are those since the server's start.
  init(previous: ShardStatusReply?, now: ShardStatusReply) {
    let isSameStart =
      previous.map { $0.uptimeNanoseconds < now.uptimeNanoseconds && $0.shards.count == now.shards.count } ?? false
    let nanoseconds = max(1, now.uptimeNanoseconds - (isSameStart ? previous!.uptimeNanoseconds : 0))
    shards = now.shards.enumerated().map { index, shard in
      TopFigures(
        now: shard, grown: isSameStart ? shard.minus(previous!.shards[index]) : shard, nanoseconds: nanoseconds)
    }
    total = TopFigures(
      now: shards.reduce(into: ShardStatus()) { $0.add($1.now) },
      grown: shards.reduce(into: ShardStatus()) { $0.add($1.grown) }, nanoseconds: nanoseconds)
    uptimeNanoseconds = now.uptimeNanoseconds
  }
}

extension ShardStatus {
  /// The difference of each number; zero where it fell, as gauges do.
  fileprivate func minus(_ earlier: ShardStatus) -> ShardStatus {
    var difference = self
    difference.combine(earlier) { $0 > $1 ? $0 - $1 : 0 }
    return difference
  }

  fileprivate mutating func add(_ other: ShardStatus) { combine(other, &+) }

  private mutating func combine(_ other: ShardStatus, _ operation: (UInt64, UInt64) -> UInt64) {
    for field in Self.fields {
      self[keyPath: field.path] = operation(self[keyPath: field.path], other[keyPath: field.path])
    }
    for bucket in 0..<LatencyHistogram.bucketCount {
      requestHistogram.buckets[bucket] = operation(
        requestHistogram.buckets[bucket], other.requestHistogram.buckets[bucket])
      flushHistogram.buckets[bucket] = operation(flushHistogram.buckets[bucket], other.flushHistogram.buckets[bucket])
    }
  }
}
