/// A block that nothing is appended to any more: all that the writer needs to know.
struct SealedBlock {
  let segment: Segment
  let start: Int
  let byteLength: Int
  let recordCount: Int
  let number: UInt64
  let digest: UInt64
  let timestamp: UInt64

  /// Behind its records, as a position: those below it are durable when the block is.
  var endPosition: UInt64 {
    let first = BlockHeader.firstPosition(segment: segment.number, offset: start, segmentBytes: segment.bytes.count)
    return BlockHeader.endPosition(firstPosition: first, byteLength: byteLength)
  }
}

/// What waits for the disk, what is on its way, what is there: the writer's half of the commit logic.
///
/// It decides one thing, on which recovery rests: block *n+1* is not written before *n* is durable.
struct CommitQueue {
  private(set) var waiting: [SealedBlock] = []
  private(set) var inFlight: SealedBlock?
  private(set) var durableNumber: UInt64
  /// True for ever after a failed write or sync: nothing is written any more.
  private(set) var hasFailed = false

  init(durableNumber: UInt64) {
    self.durableNumber = durableNumber
    waiting.reserveCapacity(JournalLimits.blocksAheadMax)
  }

  var isDrained: Bool { waiting.isEmpty && inFlight == nil }
  var lastNumber: UInt64 { durableNumber + UInt64(waiting.count) + (inFlight == nil ? 0 : 1) }

  mutating func add(_ block: SealedBlock) {
    precondition(block.number == lastNumber + 1, "blocks are handed over in order")
    waiting.append(block)
  }

  /// The block to write now, if there is one and no other is on its way.
  mutating func next() -> SealedBlock? {
    guard inFlight == nil, !hasFailed, !waiting.isEmpty else { return nil }
    inFlight = waiting.removeFirst()
    return inFlight
  }

  /// The block in flight was written and synced.
  mutating func complete() {
    guard let block = inFlight else { preconditionFailure("no block is in flight") }
    durableNumber = block.number
    inFlight = nil
    checkInvariants()
  }

  /// It was not: whether it is on the disk cannot be known, so it stays in flight for ever.
  mutating func fail() { hasFailed = true }

  func checkInvariants() {
    precondition(inFlight.map { $0.number == durableNumber + 1 } ?? true)
    for (index, block) in waiting.enumerated() {
      precondition(block.number == lastNumber - UInt64(waiting.count - 1 - index))
    }
  }
}
