import SystemPackage

/// What reading one shard's journal from its beginning to its end has found. Nothing was changed.
public struct ShardInspection: Sendable {
  /// Behind a torn or damaged block there may be more; these are the blocks before it, whole and executed again.
  public internal(set) var blocks: UInt64 = 0
  public internal(set) var records: UInt64 = 0
  public internal(set) var segments = 0
  /// Of the last of them.
  public internal(set) var lastTimestamp: UInt64 = 0
  public internal(set) var lastDigest: UInt64 = 0
  public internal(set) var lastEpoch: UInt32 = 0
  /// The end of its records.
  public internal(set) var endPosition: UInt64 = 0
  /// Where the journal goes on, or would have to be cut.
  public internal(set) var end: JournalPlace
  /// A write that was not finished, and that nobody was told of: the next start cuts it. Harmless.
  public internal(set) var tornTail: JournalDamage?
  /// What acknowledged transactions cannot be read because of: the first place only.
  public internal(set) var damage: JournalError?
  /// Whether the last whole block is named durable by nothing: damage to it would look like a torn tail.
  public internal(set) var endsWithRecords = false
  /// Sectors that the disk does not give back, whatever is on them.
  public internal(set) var unreadable: [JournalPlace] = []
}

/// A byte of a segment file.
public struct JournalPlace: Equatable, Sendable {
  public let shard: Int
  public let segment: UInt32
  /// The path of the segment's file.
  public let file: String
  public let byte: Int
}

extension LedgerFiles {
  /// Reads one shard's journal and judges it as a start would, executing each block with `replay`.
  ///
  /// Damage is a result and not an error, so that the shards behind it are looked at, too. The records stay where
  /// `replay` can read them, mapped from their files, so that memory is taken for one segment at a time.
  ///
  /// - Parameters:
  ///   - replay: as for `DataDirectory.openJournal`.
  ///   - progress: told the bytes of each segment that has been read.
  /// - Throws: `system`. O(bytes of the journal).
  public func inspect(
    shard: Int, progress: (Int) -> Void = { _ in },
    replay: (borrowing RecoveredBlock) throws(JournalError) -> UInt64
  ) throws(JournalError) -> ShardInspection {
    let table = try SegmentTableStorage(segmentBytes: identity.segmentBytes)
    var reader = JournalReader(storage: storage, journal: journal(shard: shard))
    var unreadable: [BlockPlace] = []
    var views: [SegmentView] = []
    var kept: [Segment] = []
    var damage: JournalError?
    do throws(JournalError) {
      for number in try reader.listSegments().numbers {
        let (segment, size) = try reader.load(number, unreadable: &unreadable)
        table.add(segment)
        try reader.follow(segment, among: table.table, replay)
        if size != identity.segmentBytes { throw reader.wrongSize(size, of: number) }
        if unreadable.last?.segment == number {
          // A page of its file could not be had when a record beside the bad sector is read.
          kept.append(segment)
        } else {
          let view = try SegmentView(of: segment, in: storage)
          table.replace(number, by: view.base)
          views.append(view)
        }
        progress(identity.segmentBytes)
      }
      try reader.checkNotEmpty()
    } catch .system(let operation, let file, let code) {
      throw .system(operation: operation, file: file, code: code)
    } catch {
      damage = error
    }
    // `replay` has read records there up to here.
    withExtendedLifetime((views, kept)) {}
    return result(of: reader, damage: damage, unreadable: unreadable)
  }

  private func result(
    of reader: JournalReader, damage: JournalError?, unreadable: [BlockPlace]
  ) -> ShardInspection {
    var inspection = ShardInspection(end: place(reader.chain.resume, shard: reader.journal.shard))
    inspection.blocks = reader.statistics.blocks
    inspection.records = reader.statistics.records
    inspection.segments = reader.segmentCount
    inspection.lastTimestamp = reader.lastTimestamp
    inspection.lastDigest = reader.lastDigest
    inspection.lastEpoch = reader.chain.lastEpoch
    inspection.endPosition = reader.endPosition
    inspection.endsWithRecords = reader.lastBlockHasRecords
    inspection.damage = damage
    inspection.unreadable = unreadable.map { place($0, shard: reader.journal.shard) }
    guard damage == nil, let bad = reader.badBlock else { return inspection }
    let finding = reader.describe(bad.place, bad.reason)
    // What is on an unreadable sector cannot be known to be a torn write: a server would not start on it either.
    if unreadable.isEmpty { inspection.tornTail = finding } else { inspection.damage = .damaged(finding) }
    return inspection
  }

  /// Where the record with a position stands.
  public func place(ofPosition position: UInt64, shard: Int) -> JournalPlace {
    let (segment, byte) = (position * UInt64(JournalLimits.recordAlignment)).quotientAndRemainder(
      dividingBy: UInt64(identity.segmentBytes))
    return place(BlockPlace(segment: UInt32(segment), offset: Int(byte)), shard: shard)
  }

  func place(_ place: BlockPlace, shard: Int) -> JournalPlace {
    let path = Segment.path(shard: shard, segment: place.segment)
    return JournalPlace(shard: shard, segment: place.segment, file: storage.describe(path), byte: place.offset)
  }
}

/// A segment's bytes mapped from its file: they take no memory that could not be had back.
private final class SegmentView {
  private let memory: SegmentMemory
  var base: UnsafeRawPointer { UnsafeRawPointer(memory.base) }

  init(of segment: Segment, in storage: any Storage) throws(JournalError) {
    do throws(Errno) {
      memory = try segment.file.view(bytes: segment.bytes.count)
    } catch {
      throw JournalError.system(operation: "map", file: storage.describe(segment.path), code: error)
    }
  }
}

extension JournalReader {
  /// Reads the next segment, and says how long its file is. Sectors that the disk does not give back are noted, and
  /// filled with what no block has; what a file is too short for is zeros.
  mutating func load(
    _ number: UInt32, unreadable: inout [BlockPlace]
  ) throws(JournalError) -> (Segment, size: Int) {
    var size = journal.segmentBytes
    let segment = try open(number) {
      size = $0
      return true
    }
    let count = min(size, journal.segmentBytes) & -JournalLimits.blockAlignment
    let bytes = UnsafeMutableRawBufferPointer(rebasing: segment.bytes[..<count])
    try segment.file.readTolerantly(into: bytes, name: storage.describe(segment.path)) { offset in
      unreadable.append(BlockPlace(segment: number, offset: offset))
    }
    noteLoaded()
    return (segment, size)
  }
}

extension StorageFile {
  /// Fills the buffer from the beginning of the file. `lost` is told of each sector that the disk does not give back;
  /// it is filled with bytes that no block has.
  func readTolerantly(
    into buffer: UnsafeMutableRawBufferPointer, name: String, lost: (Int) -> Void
  ) throws(JournalError) {
    for start in stride(from: 0, to: buffer.count, by: JournalLimits.readPieceBytes) {
      let piece = start..<min(start + JournalLimits.readPieceBytes, buffer.count)
      if try fill(buffer, piece, name: name) { continue }
      for offset in stride(from: piece.lowerBound, to: piece.upperBound, by: JournalLimits.blockAlignment) {
        let sector = offset..<offset + JournalLimits.blockAlignment
        guard try !fill(buffer, sector, name: name) else { continue }
        for byte in sector { buffer[byte] = 0xFF }
        lost(offset)
      }
    }
  }

  /// False when the disk does not give the bytes back.
  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>, name: String
  ) throws(JournalError) -> Bool {
    do {
      try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[range]), at: range.lowerBound)
      return true
    } catch .ioError {
      return false
    } catch {
      throw .system(operation: "read", file: name, code: error)
    }
  }
}
