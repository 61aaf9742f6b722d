import ManaProtocol
import Synchronization

/// What a shard counts for whoever watches it. The shard's thread alone writes, with plain relaxed loads and stores;
/// any thread reads. No figure is ever torn; together they are a snapshot of no particular moment.
///
/// Nothing here locks or allocates after `init`.
final class ShardMetrics: Sendable {
  /// Requests taken and not refused as a whole, by opcode.
  let requests = CounterTable<64>()
  /// Requests refused as a whole, by status.
  let refusals = CounterTable<1024>()
  /// Connections that were ended with a `goAway`, by status.
  let connectionsEnded = CounterTable<1024>()
  /// From the arrival of a request to its reply's leaving, in nanoseconds.
  let requestNanoseconds = Histogram()
  /// Items of the posting calls executed here.
  let batchItems = Histogram()
  /// From the beginning of a block's write to the end of its sync, in nanoseconds: the latest of each turn that saw one
  /// finished.
  let flushNanoseconds = Histogram()
  let replayed = Counter()
  /// Items that the ledger refused.
  let itemsRefused = Counter()

  // Published once a turn.
  let flushedBytes = Counter()
  let flushedRecords = Counter()
  let segments = Counter()
  /// Blocks and beginnings of records read back of segments that are not in memory, all their bytes, how many failed, and
  /// the time that all took.
  let blocksRead = Counter()
  let recordStartsRead = Counter()
  let bytesRead = Counter()
  let readFailures = Counter()
  let readNanoseconds = Counter()
  /// Checkpoints made and not made since the start; the newest one's block, the bytes of its file, and what it took.
  let checkpoints = Counter()
  let checkpointFailures = Counter()
  let checkpointBlock = Counter()
  let checkpointBytes = Counter()
  let checkpointNanoseconds = Counter()
  /// Parts of requests that wait for a record which is not in memory, or behind one.
  let partsWaitingForRecords = Counter()
  /// The newest durable block, and the end of what is durable, in bytes from the journal's beginning.
  let journalBlock = Counter()
  let journalPosition = Counter()
  let bytesReceived = Counter()
  let bytesSent = Counter()
  let turns = Counter()
  let turnNanosecondsMax = Counter()
  let connectionsShed = Counter()
  /// Sessions whose replies wait for a block, and parts of requests that wait for room or for a block.
  let sessionsHolding = Counter()
  let partsWaiting = Counter()
  let partsHeld = Counter()
  let recoveryNanoseconds = Counter()

  /// Counts a batch that was executed.
  func executed(items: Int, posted: Int, replayed count: Int) {
    batchItems.observe(UInt64(items))
    replayed.add(UInt64(count))
    itemsRefused.add(UInt64(items - posted - count))
  }
}

extension ShardMetrics {
  /// Adds what is counted here to what `shardStatus` answers.
  func add(to status: inout ShardStatus) {
    status.replayed = replayed.value
    status.itemsRefused = itemsRefused.value
    for opcode in Opcode.allCases where opcode.rawValue < 64 && opcode != .hello {
      let count = requests[Int(opcode.rawValue)]
      if opcode.isPosting { status.postingRequests += count } else { status.readingRequests += count }
    }
    for refusal in Status.allCases { status.requestsRefused += refusals[Int(refusal.rawValue)] }
    status.bytesReceived = bytesReceived.value
    status.bytesSent = bytesSent.value
    status.connectionsHolding = sessionsHolding.value
    status.partsWaiting = partsWaiting.value
    status.partsHeld = partsHeld.value
    status.journalBlock = journalBlock.value
    status.journalPosition = journalPosition.value
    status.checkpointBlock = checkpointBlock.value
    status.bytesWritten = flushedBytes.value
    status.recoveryNanoseconds = recoveryNanoseconds.value
    status.requestNanoseconds = requestNanoseconds.total
    status.flushNanoseconds = flushNanoseconds.total
    for bucket in 0..<Histogram.bucketCount {
      status.requestHistogram.buckets[bucket] = requestNanoseconds[bucket]
      status.flushHistogram.buckets[bucket] = flushNanoseconds[bucket]
    }
  }
}

/// A figure that one thread writes.
struct Counter: ~Copyable {
  private let cell = Atomic<UInt64>(0)

  var value: UInt64 { cell.load(ordering: .relaxed) }

  /// One writer: a load and a store do what a locked addition would.
  func add(_ count: UInt64 = 1) { cell.store(cell.load(ordering: .relaxed) &+ count, ordering: .relaxed) }
  func set(_ value: UInt64) { cell.store(value, ordering: .relaxed) }
}

/// Figures by a small code; codes beyond the table share its last place.
struct CounterTable<let size: Int>: ~Copyable {
  private let cells = InlineArray<size, Counter> { _ in Counter() }

  func add(_ code: Int) { cells[min(code, size - 1)].add() }
  subscript(_ code: Int) -> UInt64 { cells[min(code, size - 1)].value }
}

/// How often a value fell into each power of two.
struct Histogram: ~Copyable {
  /// Bucket n counts the values up to 2^n that bucket n-1 does not; the last takes all that are larger. 2^34
  /// nanoseconds are 17 seconds.
  static let bucketCount = LatencyHistogram.bucketCount

  private let buckets = InlineArray<36, Counter> { _ in Counter() }
  private let sum = Counter()

  /// Constant time.
  func observe(_ value: UInt64) {
    let exponent = value <= 1 ? 0 : UInt64.bitWidth - (value - 1).leadingZeroBitCount
    buckets[min(exponent, Self.bucketCount - 1)].add()
    sum.add(value)
  }

  /// The values of one bucket.
  subscript(bucket: Int) -> UInt64 { buckets[bucket].value }
  var total: UInt64 { sum.value }
}
