// Where records are found: in memory, or elsewhere for whoever waits for them.

import ManaProtocol

/// An operation needs a record that is not at hand: it is to be called again when it is. Nothing was changed.
public struct AbsentRecord: Error, Equatable, Sendable {
  public let position: UInt64
  /// Its item suffices, to see whose id it has: `RecordSpace.itemBytes` bytes from the record's beginning. Nobody need
  /// have compared them with a hash.
  public let itemSuffices: Bool

  public init(position: UInt64, itemSuffices: Bool) {
    self.position = position
    self.itemSuffices = itemSuffices
  }
}

/// Where records are looked for whose segments are not in memory.
public final class AbsentRecords {
  /// Where a copy of the record with a position lies; nil when there is none at hand. What it finds must stay there until
  /// the ledger's call has returned.
  public var find: (UInt64) -> UnsafeRawPointer?
  /// The same of the record's item alone, which may be less trouble to come by.
  public var findItem: (UInt64) -> UnsafeRawPointer?

  public init(
    find: @escaping (UInt64) -> UnsafeRawPointer?, findItem: @escaping (UInt64) -> UnsafeRawPointer?
  ) {
    self.find = find
    self.findItem = findItem
  }
}

/// The records of a shard's journal by position. The memory belongs to the journal, which takes a segment away only
/// between two calls of a ledger.
public struct RecordSpace {
  @usableFromInline let bases: UnsafePointer<UnsafeRawPointer?>
  @usableFromInline let shift: UInt64
  /// Not retained: copies of this cost nothing, and who made it keeps the object.
  private let absent: Unmanaged<AbsentRecords>?

  /// Byte address = position × 32; the segment is the address >> `segmentShift`, and `bases[segment]` is where it lies.
  ///
  /// `bases` is read at each access: its elements may be set as segments come into being, before anything is posted
  /// into them, and taken away when a segment leaves memory. Its records are looked for in `absent` then, which must
  /// live as long as this is used; without it every segment has to stay.
  public init(bases: UnsafePointer<UnsafeRawPointer?>, segmentShift: Int, absent: AbsentRecords? = nil) {
    precondition(segmentShift >= 5 && segmentShift < 48, "a segment has 32 bytes to 256 TiB")
    self.bases = bases
    self.absent = absent.map(Unmanaged.passUnretained)
    shift = UInt64(segmentShift)
  }

  /// Where the record with this position lies. Its segment must be in memory. Constant time.
  @inlinable @inline(__always)
  public func pointer(at position: UInt64) -> UnsafeRawPointer {
    let address = position &<< 5
    guard let base = bases[Int(truncatingIfNeeded: address &>> shift)] else {
      preconditionFailure("a record's segment is not in memory")
    }
    return base + Int(truncatingIfNeeded: address & ((1 &<< shift) &- 1))
  }

  /// The record with this position, in memory or at hand. Constant time.
  @inline(__always)
  func record(at position: UInt64) throws(AbsentRecord) -> RecordView {
    let address = position &<< 5
    if let base = bases[Int(truncatingIfNeeded: address &>> shift)] {
      return RecordView(base + Int(truncatingIfNeeded: address & ((1 &<< shift) &- 1)))
    }
    return try absentRecord(at: position)
  }

  @inline(never)
  private func absentRecord(at position: UInt64) throws(AbsentRecord) -> RecordView {
    guard let absent else { preconditionFailure("a record's segment is not in memory") }
    guard let found = absent._withUnsafeGuaranteedRef({ $0.find(position) }) else {
      throw AbsentRecord(position: position, itemSuffices: false)
    }
    return RecordView(found)
  }

  /// The item of a record that is not in memory, as it was read, not as it must have been written.
  func absentItem(at position: UInt64) throws(AbsentRecord) -> ItemView {
    guard let absent else { preconditionFailure("a record's segment is not in memory") }
    guard let found = absent._withUnsafeGuaranteedRef({ $0.findItem(position) }) else {
      throw AbsentRecord(position: position, itemSuffices: true)
    }
    return ItemView(found)
  }

  /// A record that was read before in the same call, or that lies in the journal's open block.
  @inline(__always)
  func recordAtHand(_ position: UInt64) -> RecordView {
    Ledger.atHand { () throws(AbsentRecord) in try record(at: position) }
  }

  /// Whether a record lies in a segment that is in memory. Constant time.
  @inline(__always)
  func isResident(_ position: UInt64) -> Bool { bases[Int(truncatingIfNeeded: (position &<< 5) &>> shift)] != nil }

  /// Bytes of an item, with which each record begins.
  public static let itemBytes = Item.bytes

  /// How many bytes the record takes whose first 96 bytes lie there.
  public static func bytes(ofRecordAt base: UnsafeRawPointer) -> Int { RecordView(base).size }
}

extension Ledger {
  /// What needs only records that were read before in the same call.
  @inline(__always)
  static func atHand<Result>(_ body: () throws(AbsentRecord) -> Result) -> Result {
    do throws(AbsentRecord) {
      return try body()
    } catch {
      preconditionFailure("record \(error.position) was at hand before")
    }
  }
}

/// Where the next records go: the end of the journal's open block. The ledger moves all four fields on.
public struct RecordWriter {
  /// The next record's address: what the record space finds at `position`.
  public var cursor: UnsafeMutableRawPointer
  /// The next record's position.
  public var position: UInt64
  /// Written so far.
  public var bytes = 0
  public var records = 0

  public init(cursor: UnsafeMutableRawPointer, position: UInt64) {
    self.cursor = cursor
    self.position = position
  }

  /// Behind a record of `size` bytes that was written at the cursor.
  @inline(__always)
  mutating func advance(_ size: Int) {
    cursor += size
    position &+= UInt64(truncatingIfNeeded: size) &>> RecordLayout.unitShift
    bytes &+= size
    records &+= 1
  }
}
