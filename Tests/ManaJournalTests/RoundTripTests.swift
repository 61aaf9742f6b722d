import Testing

@testable import ManaJournal

@Suite struct RoundTripTests {
  @Test func anEmptyJournalComesBackEmpty() throws {
    let storage = SimulatedStorage()
    try JournalBench(storage).close()
    let reading = try JournalBench.read(storage)
    #expect(reading == Reading(resume: 1))
  }

  /// Several starts over several segments, each continuing where the last one ended, orderly or not.
  @Test(arguments: [UInt64](1...12))
  func whatWasAppendedComesBack(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let storage = SimulatedStorage()
    var expected: [Body] = []
    for start in 1...4 {
      let bench = try JournalBench(storage)
      #expect(bench.bodies == expected, "seed \(seed), start \(start)")
      for _ in 0..<30 { bench.commit(records: Int.random(in: 1...120, using: &generator), using: &generator) }
      if Bool.random(using: &generator) { bench.writeClosingBlock() }
      if Bool.random(using: &generator) { bench.close() }
      expected = bench.bodies
      bench.journal.open.checkInvariants()
    }
    #expect(try JournalBench.read(storage).bodies == expected, "seed \(seed)")
    #expect(
      storage.paths.filter { $0.hasSuffix(".segment") }.count > 3, "seed \(seed): too few segments to mean anything")
  }

  @Test func positionsLeadToTheRecords() throws {
    var generator = SeededGenerator(seed: 7)
    let bench = try JournalBench()
    var places: [(position: UInt64, record: [UInt8])] = []
    for _ in 0..<60 {
      bench.prepare()
      guard bench.journal.makeRoom(bytes: 96 * 20, digest: bench.fold.digest, timestamp: 1) == .ready else {
        bench.flush()
        continue
      }
      let position = bench.journal.position
      bench.append(records: 20, using: &generator)
      let records = UnsafeRawBufferPointer(start: bench.journal.cursor - 96 * 20, count: 96 * 20)
      for index in 0..<20 {
        places.append((position + UInt64(index * 3), Array(records[index * 96..<(index + 1) * 96])))
      }
    }
    #expect(places.count > 1_000 && places[0].position > 0)
    for (position, record) in places {
      let found = UnsafeRawBufferPointer(start: bench.journal.segments.pointer(to: position), count: 96)
      #expect(found.elementsEqual(record), "position \(position)")
    }
  }

  struct Fill: Sendable, CustomTestStringConvertible {
    let name: String
    let segmentBytes: Int
    let bytes: Int
    var testDescription: String { name }
  }

  /// Records that fill a block, or a segment, to the last byte, and one record less.
  @Test(arguments: [
    Fill(name: "a segment", segmentBytes: 64 << 10, bytes: (64 << 10) - 160),
    Fill(name: "a segment but one", segmentBytes: 64 << 10, bytes: (64 << 10) - 192),
    Fill(name: "a block", segmentBytes: 4 << 20, bytes: JournalLimits.recordBytesPerBlockMax),
    Fill(name: "a block but one", segmentBytes: 4 << 20, bytes: JournalLimits.recordBytesPerBlockMax - 32),
  ])
  func fullBlocksComeBack(fill: Fill) throws {
    var generator = SeededGenerator(seed: 3)
    let storage = SimulatedStorage()
    let bench = try JournalBench(storage, segmentBytes: fill.segmentBytes)
    #expect(bench.journal.recordBytesPerBlockMax == min(fill.segmentBytes, JournalLimits.blockBytesMax) - 160)
    for _ in 0..<3 {
      bench.prepare()
      #expect(bench.append(records: fill.bytes / 32, bytes: 32, using: &generator) == .ready)
      bench.flush()
    }
    bench.prepare()
    bench.close()
    #expect(bench.journal.durableBlockNumber == 4)
    #expect(bench.bodies.map(\.byteCount) == [fill.bytes, fill.bytes, fill.bytes, 0])
    #expect(try JournalBench.read(storage).bodies == bench.bodies)
  }

  @Test func whatIsWrittenAtTheCursorButNotAppendedDoesNotCount() throws {
    var generator = SeededGenerator(seed: 5)
    let storage = SimulatedStorage()
    let bench = try JournalBench(storage)
    bench.append(records: 3, using: &generator)
    #expect(bench.journal.makeRoom(bytes: 960, digest: bench.fold.digest, timestamp: 2) == .ready)
    bench.journal.cursor.initializeMemory(as: UInt8.self, repeating: 0xEE, count: 960)
    bench.flush()
    bench.writeClosingBlock()
    let bytes = storage.contents(of: Segment.path(shard: 0, segment: 0))
    #expect(bytes[448..<512].allSatisfy { $0 == 0 })
    #expect(try JournalBench.read(storage).bodies == bench.bodies)
  }

  @Test func theClosingBlockNamesTheLastOne() throws {
    var generator = SeededGenerator(seed: 9)
    let bench = try JournalBench()
    #expect(!bench.journal.needsClosingBlock)
    bench.commit(records: 1, using: &generator)
    #expect(bench.journal.needsClosingBlock)
    #expect(bench.journal.lastAppendedBlockNumber == 1)
    bench.writeClosingBlock()
    #expect(!bench.journal.needsClosingBlock)
    #expect(bench.journal.durableBlockNumber == 2 && bench.journal.lastAppendedBlockNumber == 1)
    bench.writeClosingBlock()
    #expect(bench.journal.durableBlockNumber == 2, "one is enough")
    bench.append(records: 1, using: &generator)
    #expect(!bench.journal.needsClosingBlock && bench.journal.lastAppendedBlockNumber == 3)
  }

  /// While a block is on its way, submitting again only lets the next one gather.
  @Test func theNextBlockGathersMeanwhile() throws {
    var generator = SeededGenerator(seed: 61)
    let bench = try JournalBench()
    for _ in 0..<5 {
      bench.append(records: 2, using: &generator)
      bench.submit()
    }
    #expect(bench.journal.openBlockNumber == 2)
    #expect(bench.journal.writer.step() && !bench.journal.writer.step())
    #expect(bench.journal.durableBlockNumber == 0, "nobody looked yet")
    #expect(bench.journal.collectCompletions() && !bench.journal.collectCompletions())
    #expect(bench.journal.durableBlockNumber == 1 && bench.journal.durablePosition == (160 + 192) / 32)
    bench.close()
    #expect(bench.bodies.map(\.byteCount) == [192, 768, 0])
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }

  @Test func busyAndFullChangeNothing() throws {
    var generator = SeededGenerator(seed: 11)
    let bench = try JournalBench()
    let half = 300
    // The first segment takes two of these, the second none: its spare is not made yet.
    #expect(bench.append(records: half, using: &generator) == .ready)
    #expect(bench.append(records: half, using: &generator) == .ready)
    let before = (bench.journal.position, bench.journal.cursor, bench.journal.openBlockNumber)
    #expect(bench.append(records: half, using: &generator) == .busy)
    bench.storage.setRoom(0)
    bench.prepare()
    #expect(bench.append(records: half, using: &generator) == .full)
    #expect((bench.journal.position, bench.journal.cursor, bench.journal.openBlockNumber) == before)
    bench.storage.setRoom(nil)
    bench.prepare()
    #expect(bench.append(records: half, using: &generator) == .ready)
    #expect(bench.journal.openBlockNumber == 2)
    bench.close()
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
    #expect(bench.failures.all.isEmpty)
  }

  /// Full blocks that nobody writes: the fifth is refused until one of them is durable.
  @Test func tooMuchAheadOfTheDiskIsBusy() throws {
    var generator = SeededGenerator(seed: 13)
    let bench = try JournalBench(segmentBytes: 16 << 20)
    let full = JournalLimits.recordBytesPerBlockMax / 32
    for _ in 0...JournalLimits.blocksAheadMax {
      #expect(bench.append(records: full, bytes: 32, using: &generator) == .ready)
    }
    #expect(bench.append(records: 1, bytes: 32, using: &generator) == .busy)
    #expect(bench.journal.writer.step())
    #expect(bench.append(records: 1, bytes: 32, using: &generator) == .ready)
    bench.close()
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }

  /// The same where each block takes the next segment: what is open stays open, and the next segment is not taken.
  @Test func tooMuchAheadOfTheDiskTakesNoSegment() throws {
    var generator = SeededGenerator(seed: 15)
    let bench = try JournalBench()
    for _ in 0...JournalLimits.blocksAheadMax {
      bench.prepare()
      #expect(bench.append(records: 600, using: &generator) == .ready)
    }
    bench.prepare()
    let segment = bench.journal.open.segment
    #expect(bench.append(records: 600, using: &generator) == .busy)
    #expect(bench.journal.open.segment == segment)
    #expect(bench.journal.writer.step())
    #expect(bench.append(records: 600, using: &generator) == .ready)
    #expect(bench.journal.open.segment == segment + 1)
    bench.close()
    #expect(try JournalBench.read(bench.storage).bodies.starts(with: bench.bodies))
  }

  /// A block that fills its segment is named durable in the next one, once there is one.
  @Test func aClosingBlockWaitsForItsSegment() throws {
    var generator = SeededGenerator(seed: 16)
    let bench = try JournalBench()
    #expect(bench.append(records: ((64 << 10) - 160) / 32, bytes: 32, using: &generator) == .ready)
    bench.flush()
    #expect(bench.journal.needsClosingBlock)
    bench.writeClosingBlock()
    #expect(bench.journal.durableBlockNumber == 1 && bench.journal.needsClosingBlock)
    bench.prepare()
    bench.writeClosingBlock()
    #expect(bench.journal.durableBlockNumber == 2 && !bench.journal.needsClosingBlock)
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }

  @Test func withoutAnArchiveNothingIsReadBack() throws {
    let bench = try JournalBench()
    #expect(bench.journal.archive == nil && !bench.journal.stepReader() && !bench.journal.hasWorkForReader)
  }

  /// In the middle of a turn a block goes when it is worth it, nothing is on its way, and blocks are short.
  @Test func aheadGoesWhatIsWorthIt() throws {
    var generator = SeededGenerator(seed: 14)
    let bench = try JournalBench(segmentBytes: 16 << 20)
    let journal = bench.journal
    func submitAhead() -> Bool {
      let number = journal.openBlockNumber
      journal.submitAhead(digest: bench.fold.digest, timestamp: 1)
      return journal.openBlockNumber > number
    }
    func append(bytes: Int) { #expect(bench.append(records: bytes / 32, bytes: 32, using: &generator) == .ready) }
    append(bytes: JournalLimits.submittedAheadBytesMin - JournalLimits.blockHeaderBytes - 32)
    #expect(!submitAhead(), "not worth it yet")
    append(bytes: 32)
    #expect(submitAhead())
    append(bytes: JournalLimits.submittedAheadBytesMax)
    #expect(!submitAhead(), "one is on its way")
    bench.flush()
    append(bytes: JournalLimits.submittedAheadBytesMax)
    #expect(!submitAhead(), "the last block was long")
    bench.flush()
    append(bytes: 32)
    bench.flush()
    append(bytes: JournalLimits.submittedAheadBytesMin)
    #expect(submitAhead(), "the last block was short")
    bench.close()
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }
}
