/// What one journal has done since it was opened. Counters only grow.
public struct JournalStatistics: Equatable, Sendable {
  /// Blocks that are durable, closing blocks included.
  public internal(set) var blocks: UInt64 = 0
  /// Blocks without records that were written to name the one before them durable.
  public internal(set) var closingBlocks: UInt64 = 0
  /// Bytes written in blocks: headers, records, padding.
  public internal(set) var bytes: UInt64 = 0
  /// Records in durable blocks.
  public internal(set) var records: UInt64 = 0
  /// Time from the beginning of a block's write to the end of its sync, summed over all blocks, in nanoseconds.
  public internal(set) var flushNanosecondsTotal: UInt64 = 0
  /// The longest of them.
  public internal(set) var flushNanosecondsMax: UInt64 = 0
  /// The latest of them.
  public internal(set) var flushNanosecondsLast: UInt64 = 0
  /// Segments in memory, without the spare.
  public internal(set) var segments: Int = 0
  /// What was read back when the journal was opened.
  public internal(set) var recovery = RecoveryStatistics()
}

/// What opening a journal found.
public struct RecoveryStatistics: Equatable, Sendable {
  public internal(set) var blocks: UInt64 = 0
  public internal(set) var records: UInt64 = 0
  /// Bytes of those blocks.
  public internal(set) var bytes: UInt64 = 0
  /// From the first read to the last, the caller's replay included, in nanoseconds.
  public internal(set) var nanoseconds: UInt64 = 0
  /// Bytes that a torn tail covered and that are zeros now; 0 after an orderly end.
  public internal(set) var cutBytes: Int = 0
}
