import SystemPackage
import Testing

@testable import ManaJournal

/// Segments that leave memory: which, when, what becomes of their memory, and what is read back of them.
@Suite struct RetentionTests {
  static let segmentBytes = 64 << 10

  /// A record as it was written.
  struct Written {
    let position: UInt64
    let bytes: [UInt8]
  }

  /// Blocks of 1 to 100 records, each durable before the next, and every tenth record of them.
  static func write(_ bench: JournalBench, blocks: Int, seed: UInt64, after: (Int) -> Void = { _ in }) -> [Written] {
    var generator = SeededGenerator(seed: seed)
    var written: [Written] = []
    for block in 0..<blocks {
      let count = Int.random(in: 1...100, using: &generator)
      bench.prepare()
      bench.commit(records: count, using: &generator)
      for index in stride(from: 0, to: count, by: 10) {
        let start = bench.journal.durablePosition - UInt64((count - index) * 3)
        let bytes = UnsafeRawBufferPointer(start: bench.journal.segments.pointer(to: start), count: 96)
        written.append(Written(position: start, bytes: Array(bytes)))
      }
      after(block)
    }
    return written
  }

  static func segment(of position: UInt64) -> Int { Int(position) * 32 / segmentBytes }

  static func bytes(at pointer: UnsafeRawPointer) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: pointer, count: 96))
  }

  @Test(arguments: [0, 1, 2, 3, 5])
  func theOldestGoFirstAndTheirMemoryIsUsedAgain(resident: Int) throws {
    let bench = try JournalBench(residentBytesMax: resident * Self.segmentBytes)
    let table = bench.journal.segments
    var buffers: Set<UnsafeRawPointer> = []
    _ = Self.write(bench, blocks: 120, seed: 3) { _ in
      let open = Int(bench.journal.open.segment)
      let first = max(0, open - max(resident, 1) + 1)
      for number in 0...open {
        #expect((table.bases[number] != nil) == (number >= first), "segment \(number) of \(open)")
        if let base = table.bases[number] { buffers.insert(base) }
      }
      #expect(bench.journal.statistics.segments == open - first + 1)
    }
    #expect(bench.journal.open.segment > 8, "too few segments to mean anything")
    #expect(buffers.count <= max(resident, 1) + JournalLimits.sparesMax + 1, "\(buffers.count) pieces of memory")
    #expect(bench.failures.all.isEmpty)
  }

  /// What is not known to be durable stays, however little memory there is.
  @Test func blocksOnTheirWayStay() throws {
    let bench = try JournalBench(residentBytesMax: 0)
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<3 {
      bench.prepare()
      while bench.append(records: 100, using: &generator) == .ready {
        if bench.journal.open.segment > 2 { break }
      }
    }
    #expect(bench.journal.open.segment > 0 && bench.journal.segments.bases[0] != nil)
    bench.flush()
    #expect(bench.journal.segments.bases[0] == nil)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func everyRecordIsReadBack(seed: UInt64) throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let written = Self.write(bench, blocks: 80, seed: seed)
    let archive = try #require(bench.journal.archive)
    var absent = 0
    for record in written.shuffled() where Self.segment(of: record.position) < Int(bench.journal.open.segment) {
      if archive.pointer(at: record.position) == nil {
        absent += 1
        // Asked for twice, read once.
        archive.fetch(record.position)
        archive.fetch(record.position)
        #expect(archive.collect().isEmpty)
        #expect(bench.journal.stepReader() && !bench.journal.stepReader())
        let reads = archive.collect()
        #expect(reads.count == 1 && reads[0].failure == nil && reads[0].contains(record.position), "seed \(seed)")
        #expect(reads[0].pointer(at: record.position).map(Self.bytes) == record.bytes, "seed \(seed)")
      }
      #expect(archive.pointer(at: record.position).map(Self.bytes) == record.bytes, "seed \(seed)")
    }
    #expect(absent > 20 && bench.journal.statistics.reads.blocks == UInt64(absent))
  }

  /// The first bytes of a record are those of the disk, whichever sectors they lie in, and nobody has compared them.
  @Test(arguments: [32, 64, 128])
  func beginningsAreReadAlone(bytes: Int) throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let written = Self.write(bench, blocks: 80, seed: 11)
    let archive = try #require(bench.journal.archive)
    let absent = written.filter { Self.segment(of: $0.position) < Int(bench.journal.open.segment) }
    for record in absent {
      #expect(archive.start(of: record.position, bytes: bytes) == nil)
      archive.fetchStart(of: record.position, bytes: bytes)
      archive.fetchStart(of: record.position, bytes: bytes)
      #expect(archive.collectStarts().isEmpty)
      #expect(bench.journal.stepReader() && !bench.journal.stepReader())
      let starts = archive.collectStarts()
      try #require(starts.count == 1 && starts[0].position == record.position)
      let start = try starts[0].result.get()
      #expect(start.count == bytes && start.prefix(96) == record.bytes.prefix(bytes), "position \(record.position)")
    }
    let crossing = absent.filter { Int($0.position) * 32 % 512 + bytes > 512 }
    #expect(!crossing.isEmpty || bytes == 32)
    let reads = bench.journal.statistics.reads
    #expect(reads.starts == UInt64(absent.count) && reads.blocks == 0)
    #expect(reads.bytes == UInt64(absent.count + crossing.count) * 512)
  }

  /// A block that is at hand has its records' beginnings, and while a journal is opened they are read at once.
  @Test func beginningsComeFromWhatIsAtHand() throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let written = Self.write(bench, blocks: 60, seed: 4)
    let archive = try #require(bench.journal.archive)
    archive.readsAtOnce = true
    let start = try #require(archive.start(of: written[7].position, bytes: 64))
    #expect(Self.bytes(at: start).prefix(64) == written[7].bytes.prefix(64))
    #expect(bench.journal.statistics.reads.starts == 1)
    let whole = try #require(archive.pointer(at: written[7].position))
    #expect(archive.start(of: written[7].position, bytes: 64) == whole)
    #expect(bench.journal.statistics.reads.starts == 1 && bench.journal.statistics.reads.blocks == 1)
  }

  /// The failure is that of the reading; at once it is that of the block, which is read then.
  @Test func beginningsThatCannotBeReadAreAFailure() throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let record = Self.write(bench, blocks: 60, seed: 4)[7]
    let archive = try #require(bench.journal.archive)
    bench.storage.failure = .init(
      operation: bench.storage.operationCount + 1, isLasting: true, code: .ioError, countsReads: true)
    archive.fetchStart(of: record.position, bytes: 64)
    #expect(bench.journal.stepReader())
    let starts = archive.collectStarts()
    try #require(starts.count == 1)
    guard case .failure(.system(_, _, .ioError)) = starts[0].result else {
      Issue.record("not the failure: \(starts[0].result)")
      return
    }
    archive.readsAtOnce = true
    #expect(archive.start(of: record.position, bytes: 64) == nil && archive.failure != nil)
    #expect(bench.journal.statistics.reads.failures == 3)
  }

  /// Opening takes no more memory than going on, and finds the same.
  @Test(arguments: [0, 1, 3])
  func openingKeepsToTheLimit(resident: Int) throws {
    let bench = try JournalBench()
    let written = Self.write(bench, blocks: 100, seed: 5)
    bench.close()
    let all = try JournalBench(bench.storage.copied())
    let some = try JournalBench(bench.storage.copied(), residentBytesMax: resident * Self.segmentBytes)
    #expect(some.fold == all.fold && some.bodies == all.bodies)
    #expect(some.journal.position == all.journal.position)
    #expect(some.journal.statistics.segments == max(resident, 1) && all.journal.statistics.segments > 5)
    let archive = try #require(some.journal.archive)
    archive.readsAtOnce = true
    for record in written {
      let isResident = some.journal.segments.bases[Self.segment(of: record.position)] != nil
      let found = isResident ? some.journal.segments.pointer(to: record.position) : archive.pointer(at: record.position)
      #expect(found.map(Self.bytes) == record.bytes, "position \(record.position)")
    }
    archive.readsAtOnce = false
    // It goes on like the other one.
    _ = Self.write(some, blocks: 20, seed: 6)
    #expect(some.journal.statistics.segments == max(resident, 1))
  }

  @Test func theMemoryForBlocksIsBounded() throws {
    let bench = try JournalBench(segmentBytes: 4 << 20, residentBytesMax: 0)
    var generator = SeededGenerator(seed: 1)
    var positions: [UInt64] = []
    for _ in 0..<30 {
      for _ in 0..<4 { bench.prepare() }
      bench.commit(records: 9_000, using: &generator)
      positions.append(bench.journal.durablePosition - 3)
    }
    let archive = try #require(bench.journal.archive)
    archive.readsAtOnce = true
    for position in positions where bench.journal.segments.bases[Int(position) * 32 >> 22] == nil {
      #expect(archive.pointer(at: position) != nil)
      #expect(archive.bytes <= JournalLimits.cacheBytesMax + 30 * MemoryLayout<BlockMark>.stride)
      // The one before it stays where it is.
      #expect(position == positions[0] || archive.pointer(at: position) != nil)
    }
    #expect(bench.journal.statistics.reads.bytes > UInt64(JournalLimits.cacheBytesMax))
  }

  /// A block that was asked for, and that was read at once before it came: it is kept once.
  @Test func aBlockThatComesTwiceIsKeptOnce() throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let record = Self.write(bench, blocks: 60, seed: 4)[7]
    let archive = try #require(bench.journal.archive)
    archive.fetch(record.position)
    archive.readsAtOnce = true
    let found = try #require(archive.pointer(at: record.position))
    let bytes = archive.bytes
    #expect(bench.journal.stepReader() && archive.collect().count == 1)
    #expect(archive.bytes == bytes && archive.pointer(at: record.position) == found)
    #expect(Self.bytes(at: found) == record.bytes)
  }

  @Test func marksNameTheBlockOfAByte() {
    var marks = SegmentMarks()
    #expect(marks.index(of: 0) == nil)
    for (index, start) in [0, 512, 2048, 2560].enumerated() {
      marks.add(
        BlockMark(start: UInt32(start), checksum: 0), number: UInt64(7 + index), paddedLength: start == 512 ? 1536 : 512
      )
    }
    let found = [0, 511, 512, 2047, 2048, 2560, 3071, 3072, 9999].map { marks.index(of: $0) }
    #expect(found == [0, 0, 1, 1, 2, 3, 3, nil, nil] && marks.lastNumber == 10)
  }

  enum Damage: CaseIterable {
    case headerBit, bodyBit, erased, otherBlock, unreadable
  }

  /// What is not exactly the block that was durable is never given out.
  @Test(arguments: Damage.allCases)
  func whatIsDamagedIsNotGivenOut(damage: Damage) throws {
    let bench = try JournalBench(residentBytesMax: 0)
    let written = Self.write(bench, blocks: 60, seed: 4)
    let archive = try #require(bench.journal.archive)
    let record = written[7]
    archive.fetch(record.position)
    let path = "shard-000/0000000000.segment"
    let byte = Int(record.position) * 32
    let start = stride(from: byte & -512, through: 0, by: -512).first { offset in
      bench.storage.contents(of: path).withUnsafeBytes { BlockHeader(at: $0.baseAddress! + offset) != nil }
    }!
    switch damage {
    case .headerBit: bench.storage.flip(path, bit: start * 8 + 700)
    case .bodyBit: bench.storage.flip(path, bit: byte * 8 + 5)
    case .erased: bench.storage.edit(path) { $0[start..<start + 512].initializeMemory(as: UInt8.self, repeating: 0) }
    case .otherBlock: bench.storage.edit(path) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start...])) }
    case .unreadable:
      bench.storage.failure = .init(
        operation: bench.storage.operationCount + 1, isLasting: true, code: .ioError, countsReads: true)
    }
    if damage == .otherBlock { return try expectFirstBlockRefused(archive, bench, written[0]) }
    #expect(bench.journal.stepReader())
    let read = try #require(archive.collect().first)
    #expect(read.contains(record.position) && read.pointer(at: record.position) == nil)
    #expect(archive.pointer(at: record.position) == nil)
    switch read.failure {
    case .damaged(let found): #expect(damage != .unreadable && found.byte == start && found.file == "/data/" + path)
    case .system(_, _, let code): #expect(damage == .unreadable && code == .ioError)
    default: Issue.record("not what was damaged: \(String(describing: read.failure))")
    }
    #expect(bench.journal.statistics.reads.failures == 1)
  }

  /// A later block stands in the place of the first one.
  private func expectFirstBlockRefused(_ archive: SegmentArchive, _ bench: JournalBench, _ record: Written) throws {
    archive.fetch(record.position)
    while bench.journal.stepReader() {}
    let read = try #require(archive.collect().first { $0.contains(record.position) })
    guard case .damaged(let found) = read.failure else {
      Issue.record("not what was damaged: \(String(describing: read.failure))")
      return
    }
    #expect(found.reason.contains("another block"))
  }
}
