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
  /// Blocks read back of segments that are not in memory.
  public internal(set) var reads = ReadStatistics()
  /// Bytes of memory for finding those blocks, and of those that are kept.
  public internal(set) var archiveBytes: Int = 0
  /// What was read back when the journal was opened.
  public internal(set) var recovery = RecoveryStatistics()
}

/// What was read back, that included which was while the journal was opened.
public struct ReadStatistics: Equatable, Sendable {
  public internal(set) var blocks: UInt64 = 0
  /// Beginnings of records, without their blocks.
  public internal(set) var starts: UInt64 = 0
  public internal(set) var bytes: UInt64 = 0
  /// What could not be read, and blocks that were not what had been durable.
  public internal(set) var failures: UInt64 = 0
  public internal(set) var nanosecondsTotal: UInt64 = 0
}

/// What opening a journal found.
public struct RecoveryStatistics: Equatable, Sendable {
  /// Blocks that were executed again: those behind the checkpoint.
  public internal(set) var blocks: UInt64 = 0
  /// In all blocks of the journal, and those of them that were executed again.
  public internal(set) var records: UInt64 = 0
  public internal(set) var executedRecords: UInt64 = 0
  /// Bytes of blocks that were read.
  public internal(set) var bytes: UInt64 = 0
  /// The block whose state a checkpoint had; 0 without one.
  public internal(set) var checkpointBlock: UInt64 = 0
  /// The length of its journal, in bytes, and of its file.
  public internal(set) var checkpointJournalBytes = 0
  public internal(set) var checkpointBytes = 0
  /// Newer checkpoints that were of no use.
  public internal(set) var problems: [CheckpointProblem] = []
  /// From the first read to the last, the caller's replay included, in nanoseconds.
  public internal(set) var nanoseconds: UInt64 = 0
  /// Bytes that a torn tail covered and that are zeros now; 0 after an orderly end.
  public internal(set) var cutBytes: Int = 0
}

extension RecoveryStatistics {
  mutating func note(_ head: CheckpointHead) {
    checkpointBlock = head.number
    checkpointJournalBytes = head.journalBytes
    checkpointBytes = head.fileBytes
  }
}
