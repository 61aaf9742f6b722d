extension DataDirectory {
  /// Opens one shard's journal: reads it back, lets `replay` execute each block, and starts the threads behind it.
  /// Call it once a shard, on the thread that will use the journal; shards may be opened at the same time.
  ///
  /// - Parameters:
  ///   - shard: 0 ..< `identity.shardCount`.
  ///   - onDurable: called on the journal's own threads whenever the loop should call `collectCompletions` or try
  ///     `makeRoom` again. It should only wake the loop.
  ///   - onFailure: called on the journal's own threads when a write or sync failed; nothing becomes durable after
  ///     it. By default the process ends.
  ///   - replay: executes a block's records and returns the digest of the state after them. Called in order.
  /// - Throws: `damaged` and `digestMismatch` for a journal that is not as it was acknowledged, `shardMissing`,
  ///   `system`, and what `replay` throws. O(bytes of the journal).
  public func openJournal(
    shard: Int, onDurable: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void = JournalFailure.endProcess,
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    let journal = try recoverJournal(shard: shard, onDurable: onDurable, onFailure: onFailure, replay: replay)
    try journal.startThreads(shard: shard)
    return journal
  }

  /// The same without the threads: a simulation takes their steps itself, see `Journal.stepWriter`.
  package func recoverJournal(
    shard: Int, onDurable: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void,
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    precondition((0..<identity.shardCount).contains(shard), "the ledger has \(identity.shardCount) shards")
    let journalIdentity = JournalIdentity(
      ledgerID: identity.ledgerID, shard: shard, shardCount: identity.shardCount,
      segmentBytes: identity.segmentBytes)
    let table = try SegmentTableStorage(segmentBytes: identity.segmentBytes)
    var recovery = Recovery(storage: storage, journal: journalIdentity)
    let recovered = try recovery.run(into: table, replay: replay)
    let writer = BlockWriter(
      storage: storage, journal: journalIdentity, epoch: recovered.epoch, durableNumber: recovered.lastNumber,
      previousHash: recovered.lastHash, onDurable: onDurable, onFailure: onFailure)
    let preparer = try SegmentPreparer(
      storage: storage, journal: journalIdentity, spares: recovered.spares,
      nextNumber: UInt32(recovered.segments.count + recovered.spares.count), onChange: onDurable,
      onFailure: onFailure)
    return Journal(directory: self, recovered: recovered, table: table, writer: writer, preparer: preparer)
  }
}
