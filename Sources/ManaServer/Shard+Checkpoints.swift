import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger

/// Checkpoints: while the shard serves, another thread makes them of what is on the disk; when it ends, it makes the last
/// one itself, of what is in memory.
extension Shard {
  /// Bytes of the journal that nothing is written into any more.
  private var closedBytes: Int { Int(journal.firstOpenSegment) * context.identity.segmentBytes }

  var isCheckpointDue: Bool { checkpointInMaking == nil && checkpointPlan.isDue(at: closedBytes) }

  /// Sees to the checkpoint that is being made, and has the next one made when it is due.
  func keepCheckpoints() {
    takeCheckpoint()
    guard isCheckpointDue, let worker = checkpointWorker() else { return }
    let making = CheckpointInMaking()
    checkpointInMaking = making
    let fold = checkpointFold(making)
    worker.submit { making.end(fold()) }
  }

  /// The same at once, on the calling thread: what a simulation does.
  func stepCheckpoint() {
    let making = CheckpointInMaking()
    checkpointInMaking = making
    making.end(checkpointFold(making)())
    takeCheckpoint()
  }

  /// What makes a checkpoint of the segments that are closed now, on any thread.
  private func checkpointFold(_ making: CheckpointInMaking) -> @Sendable () -> CheckpointInMaking.Outcome {
    let (directory, index, segment) = (directory, index, journal.firstOpenSegment)
    let (tableSeed, hashBits) = (context.conditions.random(), context.conditions.hashBits)
    return {
      let recovery = LedgerRecovery(tableSeed: tableSeed, hashBits: hashBits)
      do throws(JournalError) {
        return .success(
          try directory.foldCheckpoint(
            shard: index, before: segment, isCancelled: { making.isCancelled }, restore: recovery.restore,
            replay: recovery.replay, save: recovery.save))
      } catch {
        return .failure(error)
      }
    }
  }

  private func takeCheckpoint() {
    guard let outcome = checkpointInMaking?.outcome else { return }
    checkpointInMaking = nil
    note(outcome)
  }

  private func note(_ outcome: CheckpointInMaking.Outcome) {
    switch outcome {
    case .success(nil):
      checkpointPlan.failed(at: closedBytes, segmentBytes: context.identity.segmentBytes)
    case .success(let report?):
      checkpointPlan.made(report)
      metrics.checkpoints.add(1)
      metrics.checkpointBlock.set(report.block)
      metrics.checkpointBytes.set(UInt64(report.bytes))
      metrics.checkpointNanoseconds.set(report.nanoseconds)
      logger.info(
        "checkpoint made",
        metadata: [
          "shard": .number(index), "block": .number(report.block), "bytes": .number(report.bytes),
          "milliseconds": .number(report.nanoseconds / 1_000_000),
        ])
    case .failure(let error) where error.isCancellation:
      return
    case .failure(let error):
      checkpointFailed(error)
    }
  }

  private func checkpointFailed(_ error: any Error) {
    checkpointPlan.failed(at: closedBytes, segmentBytes: context.identity.segmentBytes)
    metrics.checkpointFailures.add(1)
    logger.error(
      "no checkpoint was made; a start takes longer without",
      metadata: ["shard": .number(index), "error": "\(error)"])
  }

  private func checkpointWorker() -> Worker? {
    if let worker = checkpointThread { return worker }
    do throws(EventLoopError) {
      checkpointThread = try Worker(name: "mana-check-\(index)", isInBackground: true)
    } catch {
      checkpointFailed(error)
    }
    return checkpointThread
  }

  /// Ends the thread, and what it is making.
  func endCheckpointThread() {
    checkpointInMaking?.cancel()
    checkpointThread?.end()
    checkpointThread = nil
    takeCheckpoint()
  }

  /// Everything is durable, and nobody is served any more: the next start begins here.
  func makeLastCheckpoint() {
    guard checkpointPlan.bytes > 0, checkpointPlan.block < journal.durableBlockNumber else { return }
    do throws(JournalError) {
      let report = try journal.writeCheckpoint(digest: ledger.digest) { writer throws(JournalError) in
        var content = CheckpointContent(writer: writer)
        try ledger.writeImage(to: &content)
      }
      if let report { note(.success(report)) }
    } catch {
      note(.failure(error))
    }
  }
}
