extension DataDirectory {
  /// Opens one shard's journal: reads it back, lets `replay` execute each block, and starts the threads behind it.
  /// Call it once a shard, on the thread that will use the journal; shards may be opened at the same time.
  ///
  /// - Parameters:
  ///   - shard: 0 ..< `identity.shardCount`.
  ///   - residentBytesMax: memory for segments, in bytes; the one that is appended to and those with blocks that are not
  ///     durable stay whatever it is. Nil: all stay.
  ///   - onDurable: called on the journal's own threads whenever the loop should call `collectCompletions` or try
  ///     `makeRoom` again. It should only wake the loop.
  ///   - onFailure: called on the journal's own threads when a write or sync failed; nothing becomes durable after
  ///     it. By default the process ends.
  ///   - restore: takes over the state of a checkpoint, before the first `replay`; nil: there is none to begin with. Blocks
  ///     up to it are compared with their hashes as far as they are to be in memory, and not executed.
  ///   - compared: told the records of each such block, for whoever waits.
  ///   - replay: executes a block's records and returns the digest of the state after them. Called in order.
  /// - Throws: `damaged` and `digestMismatch` for a journal that is not as it was acknowledged, `shardMissing`,
  ///   `system`, and what `replay` throws. O(bytes of the journal).
  public func openJournal(
    shard: Int, residentBytesMax: Int? = nil, onDurable: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void = JournalFailure.endProcess, restore: Restore? = nil,
    compared: @escaping (Int) -> Void = { _ in },
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    let journal = try recoverJournal(
      shard: shard, residentBytesMax: residentBytesMax, onDurable: onDurable, onFailure: onFailure, restore: restore,
      compared: compared, replay: replay)
    try journal.startThreads(shard: shard)
    return journal
  }

  /// The same without the threads: a simulation takes their steps itself, see `Journal.stepWriter`.
  package func recoverJournal(
    shard: Int, residentBytesMax: Int? = nil, onDurable: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void, restore: Restore? = nil,
    compared: @escaping (Int) -> Void = { _ in },
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    let begin = System.monotonicNanoseconds()
    let journalIdentity = identity.journal(shard: shard)
    let archive = residentBytesMax.map { _ in
      SegmentArchive(storage: storage, journal: journalIdentity, onRead: onDurable)
    }
    let segmentsMax = residentBytesMax.map { $0 / identity.segmentBytes } ?? .max
    let table = try SegmentTableStorage(segmentBytes: identity.segmentBytes, archive: archive)
    var recovery = Recovery(
      storage: storage, journal: journalIdentity, archive: archive, residentSegmentsMax: segmentsMax)
    archive?.readsAtOnce = true
    var checkpoint: RestoredCheckpoint?
    var problems: [CheckpointProblem] = []
    if let restore {
      checkpoint = try CheckpointFiles(storage: storage, journal: journalIdentity)
        .restoreNewest(among: table.table, problems: &problems, restore)
      compared(0)
    }
    var recovered = try recovery.run(into: table, behind: checkpoint, compared: compared, replay: replay)
    recovered.statistics.problems = problems
    if let head = checkpoint?.head { recovered.statistics.note(head) }
    recovered.statistics.nanoseconds = System.monotonicNanoseconds() - begin
    archive?.readsAtOnce = false
    let writer = BlockWriter(
      storage: storage, journal: journalIdentity, epoch: recovered.epoch, term: recovered.term,
      durableNumber: recovered.lastNumber, previousHash: recovered.lastHash, onDurable: onDurable, onFailure: onFailure)
    let preparer = try SegmentPreparer(
      storage: storage, journal: journalIdentity, spares: recovered.spares,
      nextNumber: recovered.resume.segment + 1 + UInt32(recovered.spares.count), buffers: recovered.buffers,
      onChange: onDurable, onFailure: onFailure)
    return Journal(
      directory: self, recovered: recovered, table: table, writer: writer, preparer: preparer,
      residentSegmentsMax: segmentsMax)
  }
}
