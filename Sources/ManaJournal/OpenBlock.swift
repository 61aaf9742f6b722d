/// Where the open block stands and what fits into it: the loop's half of the commit logic, arithmetic alone.
///
/// The open block always has a place and a number, even before its first record. What is decided here:
/// a block never crosses a segment, is never longer than a block may be, begins at a multiple of 512.
struct OpenBlock: Equatable {
  let segmentBytes: Int
  /// Where it is.
  private(set) var segment: UInt32
  private(set) var start: Int
  /// Behind its last record.
  private(set) var end: Int
  private(set) var recordCount = 0
  private(set) var number: UInt64

  /// The open block behind a block that ends (with its padding) at `start`, with the number `number`.
  init(segmentBytes: Int, segment: UInt32, start: Int, number: UInt64) {
    self.segmentBytes = segmentBytes
    self.segment = segment
    self.start = start
    self.number = number
    end = start + JournalLimits.blockHeaderBytes
  }

  /// What must happen before some bytes of records can be appended.
  enum Need: Equatable {
    /// Nothing: they fit.
    case nothing
    /// The open block is sealed, they go into the next one behind it.
    case sealing
    /// A new segment; before that the open block is sealed when it has records.
    case rolling
  }

  var isEmpty: Bool { recordCount == 0 }
  var byteLength: Int { end - start }
  /// Behind the block's padding.
  var paddedEnd: Int { start + BlockHeader.padded(byteLength) }
  /// The most bytes of records that a block can have in segments of this length.
  var recordBytesMax: Int { min(JournalLimits.blockBytesMax, segmentBytes) - JournalLimits.blockHeaderBytes }

  func need(for bytes: Int) -> Need {
    precondition(
      bytes >= 0 && bytes <= recordBytesMax && bytes % JournalLimits.recordAlignment == 0,
      "records have a multiple of 32 bytes and fit a block")
    if fits(bytes, behind: end, from: start) { return .nothing }
    if isEmpty { return .rolling }
    let next = paddedEnd
    return fits(bytes, behind: next + JournalLimits.blockHeaderBytes, from: next) ? .sealing : .rolling
  }

  private func fits(_ bytes: Int, behind end: Int, from start: Int) -> Bool {
    end + bytes <= min(start + JournalLimits.blockBytesMax, segmentBytes)
  }

  mutating func append(bytes: Int, records: Int) {
    precondition(need(for: bytes) == .nothing && bytes >= records * JournalLimits.recordAlignment && records > 0)
    end += bytes
    recordCount += records
  }

  /// The open block was sealed: the next one begins behind its padding.
  mutating func advance() {
    self = OpenBlock(segmentBytes: segmentBytes, segment: segment, start: paddedEnd, number: number + 1)
  }

  /// The open block, which has no records, moves to the beginning of the next segment.
  mutating func roll() {
    precondition(isEmpty)
    self = OpenBlock(segmentBytes: segmentBytes, segment: segment + 1, start: 0, number: number)
  }

  func checkInvariants() {
    precondition(start % JournalLimits.blockAlignment == 0 && start <= segmentBytes)
    precondition(byteLength >= JournalLimits.blockHeaderBytes && byteLength <= JournalLimits.blockBytesMax)
    precondition(isEmpty == (byteLength == JournalLimits.blockHeaderBytes))
    precondition(isEmpty || end <= segmentBytes)
  }
}
