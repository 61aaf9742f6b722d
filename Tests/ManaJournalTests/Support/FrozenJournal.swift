import Glibc
import SystemPackage

@testable import ManaJournal

/// A journal that a test damages and reads again hundreds of thousands of times. Reading it changes nothing, and what
/// is read is compared, byte by byte, with what was written.
final class FrozenJournal {
  /// How a reading ended.
  enum Outcome: Equatable {
    /// So many blocks, all as they were written; behind them something that is not a whole block, or zeros.
    case read(blocks: Int, isTorn: Bool)
    case damaged(block: Int, segment: Int, byte: Int)
    case other(String)
  }

  /// Where a block lies.
  struct Place: Equatable {
    let segment: Int
    let bytes: Range<Int>
  }

  let storage: SimulatedStorage
  let blocks: [Place]
  let segmentCount: Int
  private let journal: JournalIdentity
  private let originals: [[UInt8]]
  private let table: SegmentTableStorage
  /// The segments in memory, for `read(flipping:)`, and a reader that stands before each block of the first one.
  private var segments: [Segment] = []
  private var readers: [JournalReader] = []

  static let segmentBytes = 64 << 10

  init(_ bench: JournalBench) throws {
    storage = bench.storage
    journal = JournalIdentity(
      ledgerID: bench.directory.identity.ledgerID, shard: 0, shardCount: 1, segmentBytes: Self.segmentBytes)
    table = try SegmentTableStorage(segmentBytes: Self.segmentBytes)
    let names = storage.paths.filter { $0.hasSuffix(Segment.suffix) }
    segmentCount = names.count
    let originals = names.map { [storage] in storage.contents(of: $0) }
    self.originals = originals
    blocks = originals.enumerated().flatMap { segment, bytes in Self.blocks(of: bytes, segment) }
    try load()
  }

  private func load() throws {
    var reader = JournalReader(storage: storage, journal: journal)
    for number in 0..<segmentCount { segments.append(try reader.load(UInt32(number))) }
    reader = JournalReader(storage: storage, journal: journal, segmentCount: 1)
    for block in blocks where block.segment == 0 {
      readers.append(reader)
      // One block at a time: what follows it is out of sight.
      let end = block.bytes.upperBound
      let copy = UnsafeMutableRawBufferPointer(rebasing: segments[0].bytes[end...])
      let hidden = Array(copy)
      System.zero(copy)
      try reader.follow(segments[0], from: block.bytes.lowerBound, among: table.table) { $0.digest }
      copy.copyBytes(from: hidden)
    }
    readers.append(reader)
  }

  /// What a reading gives with one bit of the first segment turned. Blocks before that bit are as they were, so the
  /// reading begins behind them.
  func read(flipping bit: Int) -> Outcome {
    let block = blocks.firstIndex { $0.segment == 0 && $0.bytes.upperBound > bit / 8 } ?? readers.count - 1
    var reader = readers[block]
    segments[0].bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    defer { segments[0].bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
    return outcome { () throws(JournalError) in
      let start = reader.chain.resume.offset
      for segment in segments {
        try reader.follow(segment, from: segment.number == 0 ? start : 0, among: table.table, isOriginal)
      }
    } of: {
      reader
    }
  }

  /// Blocks of all sizes that fill a segment nearly; behind them a closing block, or not.
  static func filled(isClosed: Bool, seed: UInt64) throws -> FrozenJournal {
    var generator = SeededGenerator(seed: seed)
    let bench = try JournalBench()
    for records in [1, 2, 3, 40, 1, 9, 200, 1, 77, 5, 150, 30, 11, 60, 2] {
      bench.commit(records: records, using: &generator)
    }
    if isClosed { bench.writeClosingBlock() }
    precondition(bench.journal.open.segment == 0, "it fits one segment")
    return try FrozenJournal(bench)
  }

  private static func blocks(of bytes: [UInt8], _ segment: Int) -> [Place] {
    bytes.withUnsafeBytes { bytes in
      var places: [Place] = []
      var offset = 0
      while offset < bytes.count, let header = BlockHeader(at: bytes.baseAddress! + offset) {
        places.append(Place(segment: segment, bytes: offset..<offset + header.paddedLength))
        offset += header.paddedLength
      }
      return places
    }
  }

  static func path(_ segment: Int) -> String { Segment.path(shard: 0, segment: UInt32(segment)) }

  /// Reads what is there now, as a start would, without changing it.
  func read() -> Outcome {
    var reader = JournalReader(storage: storage, journal: journal)
    return outcome { () throws(JournalError) in
      for number in try reader.listSegments().numbers {
        let segment = try reader.load(number)
        try reader.follow(segment, among: table.table, isOriginal)
      }
      try reader.checkNotEmpty()
    } of: {
      reader
    }
  }

  private func outcome(_ read: () throws(JournalError) -> Void, of reader: () -> JournalReader) -> Outcome {
    do throws(JournalError) {
      try read()
    } catch .damaged(let damage) {
      let segment = Segment.number(in: String(damage.file.suffix(18)))
      return .damaged(block: Int(damage.block), segment: segment.map { Int($0) } ?? -1, byte: damage.byte)
    } catch {
      return .other("\(error)")
    }
    return .read(blocks: Int(reader().chain.lastNumber), isTorn: reader().badBlock != nil)
  }

  /// A replay: the digest that belongs to the block when its records are what was written.
  private func isOriginal(_ block: borrowing RecoveredBlock) throws(JournalError) -> UInt64 {
    let start = block.offset + JournalLimits.blockHeaderBytes
    let body = block.body
    let isSame = originals[Int(block.segment)].withUnsafeBytes { bytes in
      memcmp(bytes.baseAddress! + start, body.baseAddress!, body.count) == 0
    }
    return isSame ? block.digest : ~block.digest
  }
}

/// How much of what can be tried is tried. All of it with MANA_EXHAUSTIVE in the environment; a fixed part without.
enum Exhaustive {
  static let isOn = getenv("MANA_EXHAUSTIVE") != nil

  /// Every number, or every `sample`th.
  static func cases(_ range: Range<Int>, sample: Int) -> StrideTo<Int> {
    stride(from: range.lowerBound, to: range.upperBound, by: isOn ? 1 : sample)
  }
}
