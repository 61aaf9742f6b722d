import ManaJournal
import Synchronization

/// When a shard's next checkpoint is due. A value, which decides and does nothing.
struct CheckpointPlan {
  /// Bytes of the journal between two; 0 for none at all.
  let bytes: Int
  /// Of the newest: its block, the length of its journal, of its file.
  private(set) var block: UInt64
  private var journalBytes: Int
  private var fileBytes: Int
  /// After a failure, not before the journal is longer than this.
  private var postponedTo = 0

  init(bytes: Int, recovered: RecoveryStatistics) {
    self.bytes = bytes
    block = recovered.checkpointBlock
    journalBytes = recovered.checkpointJournalBytes
    fileBytes = recovered.checkpointBytes
  }

  /// Whether one is worth making of a journal of that length: never before it has grown by what writing one costs, so that
  /// checkpoints are no more than half of what is written.
  func isDue(at length: Int) -> Bool {
    bytes > 0 && length >= postponedTo && length - journalBytes >= max(bytes, fileBytes)
  }

  mutating func made(_ report: CheckpointReport) {
    block = report.block
    journalBytes = report.journalBytes
    fileBytes = report.bytes
  }

  /// The next attempt waits until the journal has grown by a segment.
  mutating func failed(at length: Int, segmentBytes: Int) { postponedTo = length + segmentBytes }
}

/// A checkpoint that is being made on another thread.
final class CheckpointInMaking: Sendable {
  typealias Outcome = Result<CheckpointReport?, JournalError>

  private let cancelled = Atomic(false)
  private let result = Mutex<Outcome?>(nil)

  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }
  /// What came of it; nil while it is being made.
  var outcome: Outcome? { result.withLock { $0 } }

  func cancel() { cancelled.store(true, ordering: .relaxed) }
  func end(_ outcome: Outcome) { result.withLock { $0 = outcome } }
}
