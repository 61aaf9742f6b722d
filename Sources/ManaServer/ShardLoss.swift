public import ManaJournal
public import ManaLedger
import ManaProtocol

/// What is lost when a shard's journal is cut where it is damaged, as far as it can be read behind that.
public struct ShardLoss: Sendable {
  /// The first and the last number of the blocks that are lost, whole or not; the last is the newest that was found.
  public var blocks: ClosedRange<UInt64>
  /// Blocks among them whose records are what was written.
  public var readableBlocks = 0
  /// The records in those.
  public var readableRecords: UInt64 = 0
  /// Records that the headers of the others count. There may be more where no header is left.
  public var unreadableRecords: UInt64 = 0
  /// Positions of what is lost, from the cut to the last block that was found.
  public var positions: Range<UInt64>
  /// Whose records could be read.
  public var accounts: Set<UInt128> = []
  /// Timestamps of the records and blocks, nanoseconds since 1970; nil when there are none.
  public var times: ClosedRange<UInt64>?

  /// Numbers of blocks of which nothing was found.
  public var absentBlocks: UInt64 { UInt64(blocks.count) - UInt64(foundBlocks) }
  var foundBlocks = 0
}

extension FoundBlock {
  /// Shows each of the block's records. False when they do not fill its body as they should.
  @discardableResult
  public func forEachRecord(_ visit: (RecordContent) -> Void) -> Bool {
    RecordContent.forEach(in: body, firstPosition: firstPosition, count: isWhole ? recordCount : 0, visit)
  }
}

extension LedgerFiles {
  /// Looks at what stands behind the damage that an inspection has found, and shows each record that can be read.
  ///
  /// - Throws: `system`. O(bytes behind the damage).
  public func loss(
    shard: Int, behind inspection: ShardInspection, record: (UInt64, RecordContent) -> Void = { _, _ in }
  ) throws(JournalError) -> ShardLoss {
    let first = inspection.blocks + 1
    var loss = ShardLoss(blocks: first...first, positions: inspection.endPosition..<inspection.endPosition)
    var seen: Set<UInt64> = []
    let start = WalkStart.place(segment: inspection.end.segment, byte: inspection.end.byte)
    do throws(JournalError) {
      try walk(shard: shard, from: start) { step in
        // Copies of earlier blocks, and remains of earlier starts, are nothing that the cut takes away.
        guard case .block(let block) = step, block.isOurs, block.number >= first,
          block.epoch >= inspection.lastEpoch, seen.insert(block.number).inserted
        else { return true }
        loss.add(block, record)
        return true
      }
    } catch .shardMissing {
      return loss
    }
    return loss
  }
}

extension ShardLoss {
  fileprivate mutating func add(_ block: FoundBlock, _ record: (UInt64, RecordContent) -> Void) {
    foundBlocks += 1
    blocks = blocks.lowerBound...max(blocks.upperBound, block.number)
    positions = positions.lowerBound..<max(positions.upperBound, block.endPosition)
    add(block.timestamp)
    guard block.isWhole else {
      unreadableRecords += UInt64(block.recordCount)
      return
    }
    readableBlocks += 1
    block.forEachRecord { content in
      readableRecords += 1
      accounts.insert(content.item.account)
      add(content.timestamp)
      record(block.number, content)
    }
  }

  private mutating func add(_ time: UInt64) {
    times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
  }
}
