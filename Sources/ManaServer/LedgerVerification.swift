public import ManaJournal
import ManaLedger

/// What verifying one shard of a ledger has found.
public struct ShardVerification: Sendable {
  /// The journal's blocks, hashes and chain, and where they end.
  public var inspection: ShardInspection
  public var accounts: Int
  /// In all histories.
  public var transactions: UInt64
  /// The first record that is not what executing those before it gives, by its place in the journal.
  public var wrongRecord: JournalPlace?
  /// Newest first. A faulty one is harmless: a start passes it over.
  public var checkpoints: [CheckpointInspection] = []

  /// Whether everything that anyone was told of is there and right. A torn tail is harmless.
  public var isSound: Bool { inspection.damage == nil }
}

extension LedgerFiles {
  /// Verifies one shard: each block's place, hash, chain and digest, and each record by executing it again: balances,
  /// sequence numbers, previous and jump positions, refunds and settlements are computed anew and compared. And each
  /// checkpoint: that it is whole, and has the digest that the journal gives.
  ///
  /// Nothing is changed. Takes memory for one segment and for the index over all records.
  /// - Throws: `system`. O(bytes of the journal).
  public func verify(
    shard: Int, progress: (Int) -> Void = { _ in }
  ) throws(JournalError) -> ShardVerification {
    var current: Ledger?
    var wrongPosition: UInt64?
    var accounts = 0
    var transactions: UInt64 = 0
    var checkpoints = try inspectCheckpoints(shard: shard) { source, segments throws(CheckpointFault) in
      try LedgerRecovery(tableSeed: 0).restore(source, among: segments)
    }
    var digests: [UInt64: UInt64] = [:]
    var inspection = try inspect(shard: shard, progress: progress) { block throws(JournalError) -> UInt64 in
      var ledger = current.take() ?? Ledger(records: RecordSpace(block.segments), tableSeed: .random(in: 0 ... .max))
      do throws(ReplayError) {
        try ledger.replay(block: block.body, firstPosition: block.firstPosition, recordCount: block.recordCount)
      } catch {
        wrongPosition = error.position
        throw .replayRefused(block: block.number, reason: "\(error)")
      }
      let digest = ledger.digest
      (accounts, transactions) = (ledger.accountCount, ledger.transactionCount)
      current = consume ledger
      if checkpoints.contains(where: { $0.block == block.number }) { digests[block.number] = digest }
      return digest
    }
    for (index, checkpoint) in checkpoints.enumerated() {
      if checkpoint.fault == nil, let digest = digests[checkpoint.block], digest != checkpoint.digest {
        checkpoints[index].fault = "its digest is not that of the journal"
      }
      inspection.refute(by: checkpoints[index])
    }
    return ShardVerification(
      inspection: inspection, accounts: accounts, transactions: transactions,
      wrongRecord: wrongPosition.map { place(ofPosition: $0, shard: shard) }, checkpoints: checkpoints)
  }
}

extension ShardVerification {
  /// The first place where something is wrong that matters; nil when the shard is sound.
  public var firstBadPlace: JournalDamage? {
    let block = inspection.blocks + 1
    switch inspection.damage {
    case nil: return nil
    case .damaged(let damage): return damage
    case .digestMismatch(let file, let block, let byte, let recorded, let computed):
      return JournalDamage(
        file: file, block: block, byte: byte,
        reason:
          "executing it gives the digest \(String(computed, radix: 16)), it records \(String(recorded, radix: 16))")
    case .replayRefused(let block, let reason):
      let place = wrongRecord ?? inspection.end
      return JournalDamage(file: place.file, block: block, byte: place.byte, reason: reason)
    case .shardMissing(let directory):
      return JournalDamage(file: directory, block: 1, byte: 0, reason: "the shard's directory is missing")
    case .some(let other):
      return JournalDamage(
        file: inspection.end.file, block: block, byte: inspection.end.byte, reason: other.description)
    }
  }
}
