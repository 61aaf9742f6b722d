import SystemPackage

/// Gives a journal's user its state back, from a checkpoint. It reads the source, calls its `finish`, and only then
/// takes what that gave for its state; when it throws, its state is what it was before the first block.
public typealias Restore = (CheckpointSource, SegmentTable) throws(CheckpointFault) -> Void

/// A state to begin with, and what is known of the blocks before.
struct RestoredCheckpoint {
  let head: CheckpointHead
  let marks: [SegmentMarks]
  /// The path of its file.
  let file: String
}

extension CheckpointFiles {
  /// Restores the state of the newest checkpoint that is whole; nil when there is none. `problems` are those passed over.
  func restoreNewest(
    among table: SegmentTable, problems: inout [CheckpointProblem], isCancelled: @escaping () -> Bool = { false },
    _ restore: Restore
  ) throws(JournalError) -> RestoredCheckpoint? {
    for number in try list().numbers {
      let file = storage.describe(path(of: number))
      do throws(CheckpointFault) {
        let source = try CheckpointSource(path: path(of: number), journal: journal, in: storage, isCancelled)
        guard source.head.number == number else { throw CheckpointFault("it is of block \(source.head.number)") }
        let marks = try SegmentMarks.read(from: source)
        try restore(source, table)
        precondition(source.isFinished, "a state is restored when its checkpoint was read to the end")
        return RestoredCheckpoint(head: source.head, marks: marks, file: file)
      } catch {
        if isCancelled() { throw CheckpointWriter.cancelled(file) }
        problems.append(CheckpointProblem(file: file, reason: error.reason))
      }
    }
    return nil
  }
}

extension DataDirectory {
  /// Makes a checkpoint of the state after the last block of the segment before `segment`: restores the newest one there
  /// is, reads the segments behind that from the disk and executes their blocks as a start would. So it is also a check
  /// of what stands there. The blocks of those segments must be durable; a journal may be open, which is not touched.
  ///
  /// - Parameters:
  ///   - isCancelled: asked again and again; true ends it soon.
  ///   - restore, replay: as for `openJournal`.
  ///   - save: writes the state.
  /// - Returns: Nil when there is nothing behind the newest checkpoint.
  /// - Throws: What reading the journal gives, `checkpointNotWritten`, `system`; `Errno.canceled` when it was ended. Takes
  ///   memory for one segment and for a second state. O(bytes of the newest checkpoint and of the segments behind it).
  public func foldCheckpoint(
    shard: Int, before segment: UInt32, isCancelled: @escaping () -> Bool, restore: Restore,
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64,
    save: (CheckpointWriter) throws(JournalError) -> Void
  ) throws(JournalError) -> CheckpointReport? {
    let begin = System.monotonicNanoseconds()
    let journal = identity.journal(shard: shard)
    let archive = SegmentArchive(storage: storage, journal: journal, onRead: {})
    archive.readsAtOnce = true
    let table = try SegmentTableStorage(segmentBytes: identity.segmentBytes, archive: archive)
    var problems: [CheckpointProblem] = []
    let files = CheckpointFiles(storage: storage, journal: journal)
    let restored = try files.restoreNewest(
      among: table.table, problems: &problems, isCancelled: isCancelled, restore)
    var reader = JournalReader(storage: storage, journal: journal, archive: archive)
    if let restored { reader.begin(behind: restored, atSegment: restored.head.resume.segment) }
    var buffer: SegmentBuffer?
    for number in UInt32(reader.segmentCount)..<max(segment, UInt32(reader.segmentCount)) {
      if isCancelled() { throw CheckpointWriter.cancelled(storage.describe(files.path(of: reader.chain.lastNumber))) }
      let loaded = try reader.load(number, into: buffer)
      table.add(loaded)
      try reader.follow(loaded, among: table.table, replay)
      table.remove(loaded)
      buffer = loaded.buffer
    }
    if let bad = reader.badBlock { throw .damaged(reader.describe(bad.place, "\(bad.reason), and it was durable")) }
    guard reader.chain.lastNumber > restored?.head.number ?? 0 else { return nil }
    var report = try writeCheckpoint(reader.head, marks: archive.marks, isCancelled: isCancelled, save: save)
    report.nanoseconds = System.monotonicNanoseconds() - begin
    return report
  }

  func writeCheckpoint(
    _ head: CheckpointHead, marks: [SegmentMarks], isCancelled: @escaping () -> Bool,
    save: (CheckpointWriter) throws(JournalError) -> Void
  ) throws(JournalError) -> CheckpointReport {
    let writer = try CheckpointWriter(head, in: storage, isCancelled: isCancelled)
    do {
      try SegmentMarks.write(marks, to: writer)
      try save(writer)
      return try writer.publish()
    } catch {
      writer.discard()
      throw error
    }
  }
}
