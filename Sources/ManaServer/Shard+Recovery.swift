import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger

/// Coming into being: the journal is read back, and each of its blocks executed again.
extension Shard {
  /// Recovers a shard on the calling thread, which is the one that it will run on, and tells shard 0 of it.
  ///
  /// - Throws: `journal` when what was acknowledged cannot be read, or gives another state.
  convenience init(
    index: Int, context: ServerContext, loop: EventLoop, directory: DataDirectory, coordinator: Coordinator?
  ) throws(ServerError) {
    var recovered: Ledger?
    // Hostile ids could be chosen to collide under a known seed; a new one each start keeps the tables even.
    let conditions = context.conditions
    let tableSeed = conditions.random()
    let waker = loop.waker
    let journal: Journal
    do throws(JournalError) {
      journal = try directory.openJournal(shard: index, onDurable: { waker.wake() }, under: conditions) {
        block throws(JournalError) -> UInt64 in
        var ledger = recovered.take() ?? Ledger(records: RecordSpace(block.segments), tableSeed: tableSeed)
        do throws(ReplayError) {
          try ledger.replay(block: block.body, firstPosition: block.firstPosition, recordCount: block.recordCount)
        } catch {
          throw .replayRefused(block: block.number, reason: "\(error)")
        }
        let digest = ledger.digest
        recovered = consume ledger
        return digest
      }
    } catch {
      throw .journal(error)
    }
    var ledger = recovered.take() ?? Ledger(records: RecordSpace(journal.segments), tableSeed: tableSeed)
    if conditions.preparedTransactions > 0 {
      ledger.prepare(transactions: conditions.preparedTransactions, accounts: conditions.preparedAccounts)
    }
    var report = RecoveryReport()
    report.accounts = ledger.accountCount
    report.transactions = Int(ledger.transactionCount)
    report.blocks = Int(journal.statistics.recovery.blocks)
    report.nanoseconds = journal.statistics.recovery.nanoseconds
    report.cutBytes = journal.statistics.recovery.cutBytes
    self.init(
      index: index, context: context, loop: loop, journal: journal, ledger: ledger, coordinator: coordinator)
    if report.cutBytes > 0 {
      logger.warning(
        "a write that nobody had been told of was cut from the journal's end",
        metadata: ["shard": "\(index)", "bytes": "\(report.cutBytes)"])
    }
    context.shards[0].mailbox.send(.ready(shard: index, report))
  }
}

extension DataDirectory {
  fileprivate func openJournal(
    shard: Int, onDurable: @escaping @Sendable () -> Void, under conditions: StartConditions,
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    if let onFailure = conditions.onJournalFailure {
      return try recoverJournal(shard: shard, onDurable: onDurable, onFailure: onFailure, replay: replay)
    }
    return try openJournal(shard: shard, onDurable: onDurable, replay: replay)
  }
}

extension RecordSpace {
  /// The resident segments of a journal.
  init(_ segments: SegmentTable) {
    self.init(bases: segments.bases, segmentShift: segments.shift + JournalLimits.recordAlignment.trailingZeroBitCount)
  }
}
