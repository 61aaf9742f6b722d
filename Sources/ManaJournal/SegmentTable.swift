import SystemPackage

/// Where each resident segment's memory begins, by segment number: what turns a position into an address.
///
/// The table's address space is reserved once, so that the copy a ledger keeps stays right while segments come and go:
/// an entry changes from nil to an address before a position in that segment is given out, and back when it leaves
/// memory, in `makeRoom` and `collectCompletions`, both on the journal's own thread. It is valid until the journal is
/// closed.
public struct SegmentTable {
  /// One entry a segment number; nil where none is resident.
  public let bases: UnsafePointer<UnsafeRawPointer?>
  /// A position shifted right by this is its segment number.
  public let shift: Int
  /// Where the records of other segments are; nil where all stay.
  public let archive: SegmentArchive?

  init(bases: UnsafePointer<UnsafeRawPointer?>, segmentBytes: Int, archive: SegmentArchive?) {
    self.bases = bases
    self.archive = archive
    shift = segmentBytes.trailingZeroBitCount - JournalLimits.recordAlignment.trailingZeroBitCount
  }

  /// The address of the record at `position`, which must have been handed out by this journal and be in memory. O(1).
  @inlinable
  public func pointer(to position: UInt64) -> UnsafeRawPointer {
    bases[Int(position >> UInt64(shift))]! + Int(position & (1 << UInt64(shift) - 1)) * 32
  }
}

/// The memory behind a `SegmentTable`.
struct SegmentTableStorage: ~Copyable {
  private let entries: UnsafeMutablePointer<UnsafeRawPointer?>
  private let bytes: Int
  let segmentBytes: Int
  private let archive: SegmentArchive?

  init(segmentBytes: Int, archive: SegmentArchive? = nil) throws(JournalError) {
    self.segmentBytes = segmentBytes
    self.archive = archive
    let count = Self.segmentCountMax(segmentBytes: segmentBytes)
    bytes = max(count * MemoryLayout<UnsafeRawPointer?>.stride, JournalLimits.pageBytes)
    let byteCount = bytes
    // Only the pages that are used become real; zero bytes are nil.
    let base = try JournalError.naming("reserve \(byteCount) bytes of", "memory") { () throws(Errno) in
      try System.map(bytes: byteCount, alignment: JournalLimits.pageBytes, populated: 0)
    }
    entries = base.assumingMemoryBound(to: UnsafeRawPointer?.self)
  }

  deinit { System.unmap(UnsafeMutableRawPointer(entries), bytes: bytes) }

  /// How many segments a journal can have before its positions run out.
  static func segmentCountMax(segmentBytes: Int) -> Int {
    Int(JournalLimits.positionLimit) / (segmentBytes / JournalLimits.recordAlignment)
  }

  var table: SegmentTable {
    SegmentTable(bases: UnsafePointer(entries), segmentBytes: segmentBytes, archive: archive)
  }

  func add(_ segment: Segment) { entries[Int(segment.number)] = UnsafeRawPointer(segment.base) }

  func remove(_ segment: Segment) { entries[Int(segment.number)] = nil }

  /// The same bytes elsewhere, for a reader that does not keep segments in memory of its own.
  func replace(_ number: UInt32, by base: UnsafeRawPointer) { entries[Int(number)] = base }
}
