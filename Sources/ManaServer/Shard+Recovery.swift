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
    // Hostile ids could be chosen to collide under a known seed; a new one each start keeps the tables even.
    let conditions = context.conditions
    let recovery = LedgerRecovery(tableSeed: conditions.random(), hashBits: conditions.hashBits)
    let waker = loop.waker
    let journal: Journal
    do throws(JournalError) {
      journal = try directory.openJournal(
        shard: index, residentBytesMax: context.residentShare, onDurable: { waker.wake() }, under: conditions,
        logger: context.configuration.logger,
        restore: context.configuration.checkpointBytes > 0 ? recovery.restore : nil,
        compared: context.noteRecovered
      ) {
        block throws(JournalError) -> UInt64 in
        let digest = try recovery.replay(block)
        context.noteRecovered(Int(block.recordCount))
        return digest
      }
    } catch {
      throw .journal(error)
    }
    var ledger = recovery.take(among: journal.segments)
    if conditions.preparedTransactions > 0 {
      ledger.prepare(transactions: conditions.preparedTransactions, accounts: conditions.preparedAccounts)
    }
    var report = RecoveryReport()
    report.accounts = ledger.accountCount
    report.transactions = Int(ledger.transactionCount)
    report.blocks = Int(journal.statistics.recovery.blocks)
    report.executed = Int(clamping: journal.statistics.recovery.executedRecords)
    report.nanoseconds = journal.statistics.recovery.nanoseconds
    report.cutBytes = journal.statistics.recovery.cutBytes
    self.init(
      index: index, context: context, loop: loop, directory: directory, journal: journal, ledger: ledger,
      records: recovery.records, coordinator: coordinator)
    for problem in journal.statistics.recovery.problems {
      logger.warning(
        "a checkpoint was passed over",
        metadata: ["shard": .number(index), "file": "\(problem.file)", "reason": "\(problem.reason)"])
    }
    if report.cutBytes > 0 {
      logger.warning(
        "a write that nobody had been told of was cut from the journal's end",
        metadata: ["shard": .number(index), "bytes": .number(report.cutBytes)])
    }
    context.shards[0].mailbox.send(.ready(shard: index, report))
  }
}

extension DataDirectory {
  fileprivate func openJournal(
    shard: Int, residentBytesMax: Int?, onDurable: @escaping @Sendable () -> Void, under conditions: StartConditions,
    logger: Logger, restore: Restore?, compared: @escaping (Int) -> Void,
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> Journal {
    if let onFailure = conditions.onJournalFailure {
      return try recoverJournal(
        shard: shard, residentBytesMax: residentBytesMax, onDurable: onDurable, onFailure: onFailure, restore: restore,
        compared: compared, replay: replay)
    }
    return try openJournal(
      shard: shard, residentBytesMax: residentBytesMax, onDurable: onDurable,
      onFailure: { failure in
        logger.critical("the journal cannot be written", metadata: ["shard": .number(shard), "error": "\(failure)"])
        JournalFailure.endProcessSilently()
      }, restore: restore, compared: compared, replay: replay)
  }
}

extension ServerContext {
  /// Tells whoever watches the start how many records were executed or compared, all shards together.
  fileprivate func noteRecovered(_ records: Int) {
    guard let observe = configuration.observe else { return }
    if let sum = recoveryProgress.add(records, at: configuration.clock()) { observe(.recovering(records: sum)) }
  }
}
