import SystemPackage
import Testing

@testable import ManaJournal

@Suite struct TornTailTests {
  private static let path = Segment.path(shard: 0, segment: 0)

  /// Where each block lies, from the headers on the disk.
  private func blocks(of storage: SimulatedStorage) -> [Range<Int>] {
    let bytes = storage.contents(of: Self.path)
    return bytes.withUnsafeBytes { bytes in
      var ranges: [Range<Int>] = []
      var offset = 0
      while offset < bytes.count, let header = BlockHeader(at: bytes.baseAddress! + offset) {
        ranges.append(offset..<offset + header.paddedLength)
        offset += header.paddedLength
      }
      return ranges
    }
  }

  /// The end of the journal erased from every byte of its last four blocks on: everything up to the last block that
  /// is whole comes back, and what is appended then follows it.
  @Test func everyTruncation() throws {
    var generator = SeededGenerator(seed: 17)
    let bench = try JournalBench()
    for records in [3, 9, 1, 4, 12, 2] { bench.commit(records: records, using: &generator) }
    let original = bench.storage.contents(of: Self.path)
    let blocks = blocks(of: bench.storage)
    #expect(blocks.count == 6)
    for byte in blocks[2].lowerBound..<blocks[5].upperBound {
      let storage = bench.storage.copied()
      storage.edit(Self.path) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[byte...])) }
      // Whole is a block of which only zeros were erased: those of its padding, or of its last record.
      let whole = blocks.prefix { isZero(original, max(byte, $0.lowerBound)..<max(byte, $0.upperBound)) }
      let reading = try JournalBench.read(storage)
      #expect(reading.bodies == Array(bench.bodies.prefix(whole.count)), "erased from byte \(byte)")
      #expect(isZero(storage.contents(of: Self.path), whole[whole.count - 1].upperBound..<original.count))
    }
  }

  private func isZero(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    bytes.withUnsafeBytes { System.isZero(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// After a cut, the next start writes over the same place; every later start agrees.
  @Test(arguments: [UInt64](1...20))
  func lifeGoesOnAfterACut(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var storage = SimulatedStorage()
    var expected: [Body] = []
    for round in 0..<12 {
      let bench = try JournalBench(storage)
      #expect(bench.bodies.starts(with: expected), "seed \(seed), round \(round)")
      for _ in 0..<Int.random(in: 0...9, using: &generator) {
        bench.commit(records: Int.random(in: 1...90, using: &generator), using: &generator)
      }
      let durable = bench.durableBodies
      if bench.append(records: Int.random(in: 1...200, using: &generator), using: &generator) == .ready {
        storage.failure = .init(operation: storage.operationCount + 2, isLasting: true, code: .ioError)
        bench.flush()
      }
      var choices = generator
      let crashed = storage.crashed { _, _ in Bool.random(using: &choices) }
      generator = choices
      let reading = try JournalBench.read(crashed)
      #expect(reading.bodies.starts(with: durable), "seed \(seed), round \(round)")
      #expect(bench.bodies.starts(with: reading.bodies), "seed \(seed), round \(round)")
      expected = reading.bodies
      storage = crashed
    }
  }

  /// What an earlier epoch wrote behind the cut, come back: it is not taken for the journal's continuation.
  @Test func aStaleBlockIsNotBelieved() throws {
    var generator = SeededGenerator(seed: 23)
    let bench = try JournalBench()
    for _ in 0..<2 { bench.commit(records: 2, using: &generator) }
    let stale = bench.storage.copied()
    for _ in 0..<3 { bench.commit(records: 2, using: &generator) }
    let second = try JournalBench(stale)
    second.commit(records: 2, using: &generator)
    // Blocks 4 and 5 of epoch 1 behind block 3 of epoch 2.
    let old = bench.storage.contents(of: Self.path)
    stale.edit(Self.path) { $0[1536..<2560].copyBytes(from: old[1536..<2560]) }
    let reading = try JournalBench.read(stale)
    #expect(reading.bodies == second.bodies && reading.bodies.count == 3)
    #expect(reading.cutBytes == 1024)
  }

  /// The tail is cut on the disk before anything follows it: a crash while cutting changes nothing.
  @Test func aCutThatFailsIsMadeAgain() throws {
    var generator = SeededGenerator(seed: 29)
    let bench = try JournalBench()
    for _ in 0..<3 { bench.commit(records: 30, using: &generator) }
    let torn = bench.storage.copied()
    torn.edit(Self.path) { $0[7000] ^= 1 }
    for operation in 1...2 {
      let storage = torn.copied()
      storage.failure = .init(operation: storage.operationCount + operation, isLasting: true, code: .ioError)
      #expect(throws: JournalError.self) { try JournalBench.read(storage) }
      let reading = try JournalBench.read(storage.crashed { _, sector in sector % 2 == 0 })
      #expect(reading.bodies == Array(bench.bodies.prefix(2)))
    }
  }

  /// A torn first block of a segment: zeros on the disk, not in a cache, before the journal goes on.
  @Test func aCutInTheNextSegmentIsDurable() throws {
    var generator = SeededGenerator(seed: 59)
    let bench = try JournalBench()
    for _ in 0..<2 { bench.commit(records: 500, using: &generator) }
    let path = Segment.path(shard: 0, segment: 1)
    bench.storage.edit(path) { $0[40_000] ^= 1 }
    let reading = try JournalBench.read(bench.storage)
    #expect(reading.bodies == Array(bench.bodies.prefix(1)) && reading.cutBytes > 40_000)
    let bytes = bench.storage.crashed { _, _ in false }.contents(of: path)
    #expect(isZero(bytes, 0..<bytes.count))
  }

  /// The process is killed between a write and its sync: the next start reads the block from the device's cache and
  /// tells of it. From then on it must outlive a power cut.
  @Test func whatRecoveryTellsOfIsDurable() throws {
    var generator = SeededGenerator(seed: 47)
    let storage = SimulatedStorage()
    let bench = try JournalBench(storage)
    bench.commit(records: 3, using: &generator)
    storage.failure = .init(operation: storage.operationCount + 2, isLasting: false, code: .interrupted)
    bench.append(records: 3, using: &generator)
    bench.flush()
    #expect(bench.durableBodies.count == 1)
    #expect(try JournalBench.read(storage).bodies == bench.bodies)
    #expect(try JournalBench.read(storage.crashed { _, _ in false }).bodies == bench.bodies)
  }

  /// A segment half made is removed; one that is made, and not used, is the next spare.
  @Test func leftoversAreUsedOrRemoved() throws {
    var generator = SeededGenerator(seed: 53)
    let storage = SimulatedStorage()
    let bench = try JournalBench(storage)
    bench.commit(records: 500, using: &generator)
    bench.prepare()
    storage.add("shard-000/0000000002.segment.temporary", [UInt8](repeating: 9, count: 512))
    let next = try JournalBench(storage)
    #expect(!storage.paths.contains { $0.hasSuffix("temporary") })
    let count = storage.operationCount
    #expect(next.append(records: 500, using: &generator) == .ready, "segment 1 is there already")
    #expect(storage.operationCount == count && next.journal.open.segment == 1)
    next.flush()
    next.prepare()
    next.commit(records: 500, using: &generator)
    #expect(next.journal.open.segment == 2)
    #expect(try JournalBench.read(storage).bodies == next.bodies)
  }
}
