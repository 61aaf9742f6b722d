import SystemPackage

/// A block as it stands on the disk, believed or not. Its bytes are valid during the visit only.
@safe public struct FoundBlock {
  public let place: JournalPlace
  public let number: UInt64
  public let epoch: UInt32
  public let term: UInt64
  public let firstPosition: UInt64
  /// Header and records, without the padding, in bytes.
  public let byteLength: Int
  public let recordCount: Int
  /// The last block known durable when this one was written.
  public let durableNumber: UInt64
  /// Nanoseconds since 1970 UTC.
  public let timestamp: UInt64
  /// Of the shard's state after this block.
  public let digest: UInt64
  /// Whether it says that it belongs to this ledger and this shard.
  public let isOurs: Bool
  /// Whether the body has the hash that the header names: its records are what was written.
  public let isWhole: Bool
  /// Why this is not what should follow the block before it; nil when it is.
  public let doubt: String?
  /// Its records; empty when it is not whole.
  public let body: UnsafeRawBufferPointer

  /// Behind its last record, as a position.
  public var endPosition: UInt64 { BlockHeader.endPosition(firstPosition: firstPosition, byteLength: byteLength) }
}

/// Where a walk through a journal begins.
public enum WalkStart: Equatable, Sendable {
  case beginning
  /// The block with this number, or the first one behind it.
  case block(UInt64)
  /// The block that holds this position, or the first one behind it.
  case position(UInt64)
  /// A byte of a segment.
  case place(segment: UInt32, byte: Int)
}

/// What a walk through a journal meets.
public enum WalkStep {
  case block(FoundBlock)
  /// Bytes from there on that are neither zeros nor a block.
  case unknown(JournalPlace, byteCount: Int)
}

extension LedgerFiles {
  /// Shows each block of one shard that stands on the disk, in the order of the files: also those that no chain leads
  /// to any more. Nothing is executed. A server may be writing meanwhile; what it writes then may be missed.
  ///
  /// - Parameter visit: false ends the walk.
  /// - Throws: `shardMissing`, `system`. Takes memory for one segment. O(bytes from the start on).
  public func walk(
    shard: Int, from start: WalkStart = .beginning, visit: (WalkStep) -> Bool
  ) throws(JournalError) {
    let numbers = try JournalReader(storage: storage, journal: journal(shard: shard)).listSegments().numbers
    var walk = BlockWalk(files: self, shard: shard)
    for number in numbers[try firstIndex(of: start, in: numbers, shard: shard)...] {
      let bytes = try SegmentBytes(of: number, shard: shard, in: self)
      var offset = 0
      if case .place(number, let byte) = start { offset = byte }
      let goesOn = withExtendedLifetime(bytes) { walk.go(through: bytes.buffer, number: number, from: offset, visit) }
      guard goesOn else { return }
    }
  }

  /// The segment to begin with: positions name theirs, and of blocks the first one in each segment is looked at.
  private func firstIndex(of start: WalkStart, in numbers: [UInt32], shard: Int) throws(JournalError) -> Int {
    switch start {
    case .beginning:
      return 0
    case .place(let segment, _):
      return numbers.firstIndex { $0 >= segment } ?? numbers.endIndex
    case .position(let position):
      let segment = position / UInt64(identity.segmentBytes / JournalLimits.recordAlignment)
      return numbers.firstIndex { UInt64($0) >= segment } ?? numbers.endIndex
    case .block(let block):
      var index = 0
      while index + 1 < numbers.count {
        guard let first = try firstHeader(of: numbers[index + 1], shard: shard), first.number <= block else { break }
        index += 1
      }
      return index
    }
  }

  /// The header at the beginning of a segment; nil when none is there.
  func firstHeader(of segment: UInt32, shard: Int) throws(JournalError) -> BlockHeader? {
    let path = Segment.path(shard: shard, segment: segment)
    let memory = try SegmentMemory(bytes: JournalLimits.pageBytes)
    let sector = UnsafeMutableRawBufferPointer(start: memory.base, count: JournalLimits.blockAlignment)
    do throws(Errno) {
      try storage.open(path).read(into: sector, at: 0)
    } catch .noData, .ioError {
      return nil
    } catch {
      throw .system(operation: "read", file: storage.describe(path), code: error)
    }
    return BlockHeader(at: memory.base)
  }
}

/// Goes from block to block, and over what lies between them.
struct BlockWalk {
  private let files: LedgerFiles
  private let shard: Int
  private var chain: ChainEnd
  /// The first block begins the chain, whichever it is.
  private var isAnchored = false

  init(files: LedgerFiles, shard: Int) {
    self.files = files
    self.shard = shard
    chain = ChainEnd(journal: files.journal(shard: shard))
  }

  /// Shows what stands in a segment; false when `visit` wants no more.
  mutating func go(
    through bytes: UnsafeRawBufferPointer, number: UInt32, from start: Int, _ visit: (WalkStep) -> Bool
  ) -> Bool {
    var offset = start
    var unknown: Range<Int>?
    while offset < bytes.count {
      let place = BlockPlace(segment: number, offset: offset)
      guard let header = BlockHeader(at: bytes.baseAddress! + offset) else {
        let sector = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + JournalLimits.blockAlignment])
        if !System.isZero(sector) { unknown = (unknown?.lowerBound ?? offset)..<offset + sector.count }
        offset += JournalLimits.blockAlignment
        continue
      }
      guard show(unknown, of: number, visit) else { return false }
      unknown = nil
      let found = judge(header, bytes, at: place)
      guard visit(.block(found)) else { return false }
      offset += found.isWhole ? header.paddedLength : JournalLimits.blockAlignment
    }
    return show(unknown, of: number, visit)
  }

  private func show(_ unknown: Range<Int>?, of segment: UInt32, _ visit: (WalkStep) -> Bool) -> Bool {
    guard let unknown else { return true }
    let place = files.place(BlockPlace(segment: segment, offset: unknown.lowerBound), shard: shard)
    return visit(.unknown(place, byteCount: unknown.count))
  }

  private mutating func judge(
    _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, at place: BlockPlace
  ) -> FoundBlock {
    if !isAnchored { anchor(before: header, at: place) }
    let body = wholeBody(header, bytes, at: place)
    let doubt: String?
    switch chain.judge(bytes, at: place) {
    case .valid: doubt = nil
    case .torn(let reason, _, _), .damaged(let reason): doubt = reason
    case .later: doubt = "block \(chain.expectedNumber) was expected there"
    case .newerVersion(let version): doubt = "it has format version \(version)"
    }
    let isOurs = header.ledgerID == chain.journal.ledgerID && Int(header.shard) == shard
    // Later ones are compared with this one, so that one gap is one doubt.
    if body != nil, isOurs {
      chain.accept(header, hash: BlockHeader.hash(at: bytes.baseAddress! + place.offset))
      chain.resume = BlockPlace(segment: place.segment, offset: place.offset + header.paddedLength)
    }
    return FoundBlock(
      place: files.place(place, shard: shard), number: header.number, epoch: header.epoch, term: header.term,
      firstPosition: header.firstPosition, byteLength: Int(header.byteLength), recordCount: Int(header.recordCount),
      durableNumber: header.durableNumber, timestamp: header.timestamp, digest: header.digest, isOurs: isOurs,
      isWhole: body != nil,
      doubt: doubt, body: body ?? UnsafeRawBufferPointer(start: nil, count: 0))
  }

  private mutating func anchor(before header: BlockHeader, at place: BlockPlace) {
    isAnchored = true
    guard place != BlockPlace(segment: 0, offset: 0) else { return }
    chain.resume = place
    chain.lastNumber = header.number &- 1
    chain.lastHash = header.previousHash
    chain.lastEpoch = header.epoch
    chain.lastTerm = header.term
  }

  /// The records, when the body is there and has its hash.
  private func wholeBody(
    _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, at place: BlockPlace
  ) -> UnsafeRawBufferPointer? {
    let length = Int(header.byteLength)
    let start = place.offset + JournalLimits.blockHeaderBytes
    let end = place.offset + header.paddedLength
    guard length >= JournalLimits.blockHeaderBytes, end <= bytes.count,
      Hash128(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end])) == header.bodyHash
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<place.offset + length])
  }
}

/// A segment file read into memory, whatever its length and whatever of it can be read.
final class SegmentBytes {
  private let memory: SegmentMemory
  private let count: Int
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.base, count: count) }

  init(of number: UInt32, shard: Int, in files: LedgerFiles) throws(JournalError) {
    let path = Segment.path(shard: shard, segment: number)
    let name = files.storage.describe(path)
    let file = try JournalError.naming("open", name) { () throws(Errno) in try files.storage.open(path) }
    let size = try JournalError.naming("measure", name) { () throws(Errno) in try file.size() }
    count = min(size, files.identity.segmentBytes) & -JournalLimits.blockAlignment
    memory = try SegmentMemory(bytes: max(count, JournalLimits.pageBytes))
    try file.readTolerantly(
      into: UnsafeMutableRawBufferPointer(start: memory.base, count: count), name: name
    ) { _ in }
  }
}
