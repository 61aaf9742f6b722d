/// A block that recovery found whole, for the caller to execute again.
public struct RecoveredBlock: ~Copyable {
  /// 1, 2, 3 … without a gap.
  public let number: UInt64
  /// The position of its first record; where that would be when it has none.
  public let firstPosition: UInt64
  public let recordCount: Int
  /// The timestamp it was submitted with, nanoseconds since 1970 UTC.
  public let timestamp: UInt64
  /// Of the state after it, as the block records it.
  public let digest: UInt64
  /// Its records, in memory for the call in which they are executed.
  public let body: UnsafeRawBufferPointer
  public let epoch: UInt32
  public let term: UInt64
  public let segment: UInt32
  /// Where the block begins in its segment, in bytes.
  public let offset: Int
  /// Turns the positions of this and all earlier records into addresses, of those that are not in memory with the help
  /// of its `archive`; the journal's own table, good until it is closed.
  public let segments: SegmentTable

  init(_ header: BlockHeader, at base: UnsafeRawPointer, among segments: SegmentTable) {
    self.segments = segments
    number = header.number
    firstPosition = header.firstPosition
    recordCount = Int(header.recordCount)
    timestamp = header.timestamp
    digest = header.digest
    epoch = header.epoch
    term = header.term
    segment = header.segment
    offset = Int(header.offset)
    body = UnsafeRawBufferPointer(
      start: base + Int(header.offset) + JournalLimits.blockHeaderBytes,
      count: Int(header.byteLength) - JournalLimits.blockHeaderBytes)
  }
}

/// What recovery hands to the journal that goes on from there.
struct RecoveredJournal {
  /// Those in memory, in order, the last being the one to append to.
  var segments: [Segment]
  /// All zeros, behind them, in order.
  var spares: [Segment]
  /// Of segments that left memory, and free.
  var buffers: [SegmentBuffer]
  /// Where the next block goes.
  var resume: BlockPlace
  var epoch: UInt32
  /// Of the last block: no later one may have a lower.
  var term: UInt64
  var lastNumber: UInt64
  var lastHash: Hash128
  var lastBlockHasRecords: Bool
  /// Behind the last record.
  var endPosition: UInt64
  var statistics: RecoveryStatistics
}

/// A segment and a byte in it.
struct BlockPlace: Equatable, Sendable {
  var segment: UInt32
  var offset: Int
}
