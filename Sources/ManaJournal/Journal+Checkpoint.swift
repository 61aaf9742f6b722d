extension Journal {
  /// Makes a checkpoint of the state after the last block. Everything appended must be durable, see `settle`.
  ///
  /// - Parameters:
  ///   - isCancelled: asked again and again; true ends it soon.
  ///   - save: writes the state.
  /// - Returns: Nil when the journal has no block yet, or a write has failed.
  /// - Throws: `checkpointNotWritten`, `system`; `Errno.canceled` when it was ended. O(bytes of the state, and blocks).
  public func writeCheckpoint(
    digest: UInt64, isCancelled: @escaping () -> Bool = { false },
    save: (CheckpointWriter) throws(JournalError) -> Void
  ) throws(JournalError) -> CheckpointReport? {
    guard durableBlockNumber > 0, !writer.hasFailed else { return nil }
    precondition(open.isEmpty && handed.isEmpty && !isClosed, "everything is durable")
    let begin = System.monotonicNanoseconds()
    let marks = archive?.marks ?? residentMarks()
    let head = CheckpointHead(
      journal: directory.identity.journal(shard: writer.journal.shard),
      resume: BlockPlace(segment: UInt32(marks.count - 1), offset: marks[marks.count - 1].end),
      number: durableBlockNumber, blockHash: writer.lastHash, endPosition: durablePosition, digest: digest,
      records: recovery.records + writer.statistics.records)
    var report = try directory.writeCheckpoint(head, marks: marks, isCancelled: isCancelled, save: save)
    report.nanoseconds = System.monotonicNanoseconds() - begin
    return report
  }

  /// Segments before this one have durable blocks only, and none will follow in them.
  public var firstOpenSegment: UInt32 { handed.first?.segment.number ?? open.segment }

  /// The marks of all blocks, where all segments are in memory.
  private func residentMarks() -> [SegmentMarks] {
    var next: UInt64 = 1
    var marks: [SegmentMarks] = []
    for segment in residents where next <= durableBlockNumber {
      marks.append(SegmentMarks(of: segment, firstNumber: next, lastNumber: durableBlockNumber))
      next += UInt64(marks[marks.count - 1].marks.count)
    }
    precondition(next == durableBlockNumber + 1, "each block is in memory")
    return marks
  }
}
