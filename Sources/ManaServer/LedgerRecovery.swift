import ManaJournal
import ManaLedger

/// Makes a ledger out of a checkpoint, where there is one, and the blocks behind it.
final class LedgerRecovery {
  /// Where the ledger finds records that are not in memory. It must live as long as the ledger.
  let records = ShardRecords()
  private let tableSeed: UInt64
  private let hashBits: UInt64
  private var ledger: Ledger?

  /// - Parameters:
  ///   - tableSeed: a secret random number for the tables. Those of a checkpoint keep theirs.
  ///   - hashBits: see `StartConditions`.
  init(tableSeed: UInt64, hashBits: UInt64 = .max) {
    self.tableSeed = tableSeed
    self.hashBits = hashBits
  }

  /// Takes over the state of a checkpoint; see `Restore`.
  func restore(_ source: CheckpointSource, among segments: SegmentTable) throws(CheckpointFault) {
    var image = CheckpointImage(source: source)
    let restored: Ledger
    do throws(ImageError<CheckpointFault>) {
      restored = try .restored(
        from: &image, records: records.space(segments), end: source.endPosition, hashBits: hashBits)
    } catch {
      switch error {
      case .source(let fault): throw fault
      case .version(let version): throw CheckpointFault("its state has version \(version)")
      case .unsound(let what): throw CheckpointFault("its state contradicts itself: \(what)")
      }
    }
    try source.finish(digest: restored.digest)
    ledger = consume restored
  }

  /// Executes a block's records. The digest of the state after them.
  func replay(_ block: borrowing RecoveredBlock) throws(JournalError) -> UInt64 {
    var ledger = take(among: block.segments)
    do throws(ReplayError) {
      try ledger.replay(block: block.body, firstPosition: block.firstPosition, recordCount: block.recordCount)
    } catch {
      if error.problem == .recordAbsent, let failure = records.failure { throw failure }
      throw .replayRefused(block: block.number, reason: "\(error)")
    }
    let digest = ledger.digest
    self.ledger = consume ledger
    return digest
  }

  /// Writes the state that was reached.
  func save(to writer: CheckpointWriter) throws(JournalError) {
    guard let state = ledger.take() else { preconditionFailure("a state is saved after a block") }
    var image = CheckpointContent(writer: writer)
    try state.writeImage(to: &image)
    ledger = consume state
  }

  /// The ledger, which from then on is its caller's.
  func take(among segments: SegmentTable) -> Ledger {
    ledger.take() ?? Ledger(records: records.space(segments), tableSeed: tableSeed, hashBits: hashBits)
  }
}

private struct CheckpointImage: ImageSource {
  let source: CheckpointSource

  func read(into bytes: UnsafeMutableRawBufferPointer) throws(CheckpointFault) { try source.read(into: bytes) }
}

struct CheckpointContent: ImageSink {
  let writer: CheckpointWriter

  func append(_ bytes: UnsafeRawBufferPointer) throws(JournalError) { try writer.append(bytes) }
}
