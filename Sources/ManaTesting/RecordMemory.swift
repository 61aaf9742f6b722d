// Where records lie when no journal is there:
//
//   segment   a power of two of bytes, zero-filled; the first record of each stands behind a gap
//   block     gap of 128 bytes, in a journal the block's header · records, each a multiple of 32 bytes
//
// A record's position is its byte address, counted through all segments, divided by 32. Position 0 names no record:
// the gap of the first block lies there. A block never crosses the end of a segment.

public import ManaLedger

/// The records of one shard in memory, offered to a ledger as the journal would, with the blocks remembered so that a
/// restart can be played.
public final class RecordMemory {
  /// Bytes before the records of each block.
  static let gapBytes = 128
  /// Bytes of a unit of position.
  static let unit = 32

  private let segmentShift: Int
  private let segmentsMax: Int
  private let residentSegmentsMax: Int
  /// Positions of absent records that are at hand, and of those of which only the item is.
  private var atHand: Set<UInt64> = []
  private var itemsAtHand: Set<UInt64> = []
  /// How often an absent record was asked for and was not at hand.
  public private(set) var absences = 0
  /// How often it was its item alone.
  public private(set) var itemAbsences = 0
  /// Every record is at hand: for a restart, which nobody waits for.
  public var isComplete = false
  private var absent: AbsentRecords!
  private let bases: UnsafeMutablePointer<UnsafeRawPointer?>
  private var segments: [UnsafeMutableRawPointer] = []
  /// Bytes used of the last segment.
  private var used = 0
  /// The blocks so far, oldest first. A test may lose, double or damage some to see what notices.
  public var blocks: [Block] = []

  /// Records that were written together.
  public struct Block {
    public var bytes: UnsafeMutableRawBufferPointer
    public var firstPosition: UInt64
    public var recordCount: Int
  }

  /// - Parameters:
  ///   - segmentShift: The logarithm of a segment's size in bytes; the largest batch must fit.
  ///   - segmentsMax: Most segments.
  ///   - residentSegmentsMax: Of the newest ones, how many a ledger finds. Records of others are absent until `bring`.
  public init(segmentShift: Int = 22, segmentsMax: Int = 4_096, residentSegmentsMax: Int = .max) {
    self.segmentShift = segmentShift
    self.segmentsMax = segmentsMax
    self.residentSegmentsMax = residentSegmentsMax
    bases = .allocate(capacity: segmentsMax)
    bases.initialize(repeating: nil, count: segmentsMax)
    absent = AbsentRecords(
      find: { [unowned self] in isComplete || atHand.contains($0) ? pointer(at: $0) : nil },
      findItem: { [unowned self] in isComplete || itemsAtHand.contains($0) ? pointer(at: $0) : nil })
  }

  deinit {
    for segment in segments { segment.deallocate() }
    bases.deallocate()
  }

  /// The way to the records for a ledger. Valid as long as this object is.
  public var space: RecordSpace {
    RecordSpace(bases: UnsafePointer(bases), segmentShift: segmentShift, absent: absent)
  }

  /// Puts an absent record at hand, or its item alone, until `forget`.
  public func bring(_ record: AbsentRecord) {
    absences += 1
    if record.itemSuffices {
      itemAbsences += 1
      precondition(itemsAtHand.insert(record.position).inserted, "the item of record \(record.position) was at hand")
      return
    }
    precondition(atHand.insert(record.position).inserted, "record \(record.position) was at hand")
  }

  /// No absent record is at hand any more.
  public func forget() {
    atHand.removeAll(keepingCapacity: true)
    itemsAtHand.removeAll(keepingCapacity: true)
  }

  private func pointer(at position: UInt64) -> UnsafeRawPointer {
    let address = Int(position) * Self.unit
    return UnsafeRawPointer(segments[address >> segmentShift] + (address & (1 << segmentShift - 1)))
  }

  /// Room for a block of at most `bytesMax` bytes of records.
  public func open(bytesMax: Int) -> RecordWriter {
    let size = 1 << segmentShift
    precondition(Self.gapBytes + bytesMax <= size, "a block of \(bytesMax) bytes in segments of \(size)")
    if segments.isEmpty || used + Self.gapBytes + bytesMax > size { addSegment(size) }
    let offset = used + Self.gapBytes
    let address = (segments.count - 1) << segmentShift + offset
    return RecordWriter(cursor: segments.last! + offset, position: UInt64(address / Self.unit))
  }

  /// Keeps what was written since `open`. A writer that wrote nothing leaves no block.
  public func close(_ writer: RecordWriter) {
    guard writer.records > 0 else {
      precondition(writer.bytes == 0, "\(writer.bytes) bytes without a record")
      return
    }
    precondition(writer.bytes % Self.unit == 0, "records are multiples of 32 bytes")
    let start = writer.cursor - writer.bytes
    precondition(start == segments.last! + used + Self.gapBytes, "the cursor and the count of bytes disagree")
    let firstPosition = writer.position - UInt64(writer.bytes / Self.unit)
    blocks.append(
      Block(
        bytes: UnsafeMutableRawBufferPointer(start: start, count: writer.bytes), firstPosition: firstPosition,
        recordCount: writer.records))
    used += Self.gapBytes + writer.bytes
  }

  private func addSegment(_ size: Int) {
    precondition(segments.count < segmentsMax, "more than \(segmentsMax) segments")
    let segment = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4_096)
    segment.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    bases[segments.count] = UnsafeRawPointer(segment)
    segments.append(segment)
    if segments.count > residentSegmentsMax { bases[segments.count - 1 - residentSegmentsMax] = nil }
    used = 0
  }
}
