import SystemPackage

/// A checkpoint that stands on the disk.
public struct CheckpointInspection: Equatable, Sendable {
  /// The path of its file.
  public let file: String
  /// The block whose state it has.
  public let block: UInt64
  /// Of that state; 0 where its head cannot be read.
  public let digest: UInt64
  /// What is wrong with it, a clause: a start passes it over. Nil when it is whole.
  public var fault: String?
}

extension LedgerFiles {
  /// Reads each checkpoint of a shard as a start would, newest first. Nothing is changed.
  ///
  /// - Throws: `system`, where they cannot be listed. O(bytes of the checkpoints).
  public func inspectCheckpoints(shard: Int, restore: Restore) throws(JournalError) -> [CheckpointInspection] {
    let files = CheckpointFiles(storage: storage, journal: journal(shard: shard))
    let numbers: [UInt64]
    do {
      numbers = try files.list().numbers
    } catch .shardMissing {
      return []
    }
    let table = try SegmentTableStorage(segmentBytes: identity.segmentBytes)
    return numbers.map { number in
      let path = files.path(of: number)
      var digest: UInt64 = 0
      do throws(CheckpointFault) {
        let source = try CheckpointSource(path: path, journal: files.journal, in: storage)
        digest = source.head.digest
        guard source.head.number == number else { throw CheckpointFault("it is of block \(source.head.number)") }
        _ = try SegmentMarks.read(from: source)
        try restore(source, table.table)
        return CheckpointInspection(file: storage.describe(path), block: number, digest: digest, fault: nil)
      } catch {
        return CheckpointInspection(file: storage.describe(path), block: number, digest: digest, fault: error.reason)
      }
    }
  }
}

extension ShardInspection {
  /// A checkpoint that is whole was made of a block that is not there: it was durable once.
  public mutating func refute(by checkpoint: CheckpointInspection) {
    guard damage == nil, checkpoint.fault == nil, checkpoint.block > blocks else { return }
    let reason = tornTail?.reason ?? "nothing is there"
    tornTail = nil
    damage = .damaged(
      JournalDamage(
        file: end.file, block: blocks + 1, byte: end.byte,
        reason: "\(reason), and the checkpoint \(checkpoint.file) was made of block \(checkpoint.block)"))
  }
}
