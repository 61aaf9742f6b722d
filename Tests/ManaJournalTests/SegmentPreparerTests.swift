import SystemPackage
import Testing

@testable import ManaJournal

@Suite struct SegmentPreparerTests {
  private static let segmentBytes = 4 << 20
  private static let pieces = segmentBytes / JournalLimits.zeroPieceBytes
  /// A spare is made with its first huge page, and then each other one is touched.
  private static let stepsPerSpare = segmentBytes / JournalLimits.hugePageBytes

  /// Spares come first; then the first one's zeros, piece by piece, and it can be taken after each.
  @Test(arguments: 0...pieces)
  func aSpareCanBeTakenAtAnyTime(written: Int) throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    let preparer = bench.journal.preparer
    guard case .making = preparer.take() else { throw Unexpected() }
    for _ in 0..<JournalLimits.sparesMax * Self.stepsPerSpare { #expect(preparer.step()) }
    let before = bench.storage.operationCount
    for _ in 0..<written { #expect(preparer.step()) }
    // A write each, and a sync behind the last.
    #expect(bench.storage.operationCount == before + written + (written == Self.pieces ? 1 : 0))
    guard case .ready(let segment) = preparer.take() else { throw Unexpected() }
    #expect(segment.number == 1 && bench.storage.contents(of: segment.path).count == Self.segmentBytes)
    // The next one is made before anybody's zeros are written.
    #expect(preparer.step())
    guard case .ready(let next) = preparer.take() else { throw Unexpected() }
    #expect(next.number == 2)
  }

  @Test func whatIsReadyIsLeftAlone() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    for _ in 0..<JournalLimits.sparesMax * Self.stepsPerSpare + Self.pieces { #expect(bench.journal.preparer.step()) }
    #expect(!bench.journal.preparer.step())
  }

  /// A segment is taken with its first huge page. What goes beyond waits for the next one, and nothing was changed.
  @Test func memoryComesPieceByPiece() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    let preparer = bench.journal.preparer
    var generator = SeededGenerator(seed: 7)
    let records = JournalLimits.hugePageBytes / 4 / 96
    // The first segment of a new ledger has all its memory; the next one is made once it is full.
    while bench.append(records: records, using: &generator) == .ready { bench.flush() }
    #expect(bench.journal.statistics.segments == 1 && preparer.step())
    for _ in 0..<3 {
      #expect(bench.append(records: records, using: &generator) == .ready)
      bench.flush()
    }
    let position = bench.journal.position
    #expect(bench.append(records: records, using: &generator) == .busy)
    #expect(bench.append(records: records, using: &generator) == .busy)
    #expect(bench.journal.position == position)
    #expect(preparer.step())
    #expect(bench.append(records: records, using: &generator) == .ready)
    #expect(bench.failures.all.isEmpty)
  }

  /// A spare that is taken between choosing to write its zeros and doing it is left alone: blocks may stand in it.
  @Test func aSpareThatWasTakenIsNotZeroed() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    let preparer = bench.journal.preparer
    for _ in 0..<JournalLimits.sparesMax * Self.stepsPerSpare { #expect(preparer.step()) }
    let task = try #require(preparer.nextTask())
    guard case .zero(let chosen, from: 0) = task, case .ready(let taken) = preparer.take() else { throw Unexpected() }
    #expect(chosen === taken)
    let before = bench.storage.operationCount
    #expect(preparer.perform(task))
    #expect(bench.storage.operationCount == before && bench.failures.all.isEmpty)
  }

  /// After the last position there is no other segment: the journal is full, and says so once.
  @Test func whenThePositionsAreUsedUp() throws {
    let storage = SimulatedStorage()
    let journal = JournalIdentity(ledgerID: 1, shard: 0, shardCount: 1, segmentBytes: JournalLimits.segmentBytesMax)
    let count = SegmentTableStorage.segmentCountMax(segmentBytes: journal.segmentBytes)
    let changes = Monitor(0)
    let preparer = try SegmentPreparer(
      storage: storage, journal: journal, spares: [], nextNumber: UInt32(count),
      onChange: { changes.update { $0 += 1 } }, onFailure: { _ in })
    for _ in 0..<3 { #expect(!preparer.step()) }
    guard case .full = preparer.take() else { throw Unexpected() }
    #expect(changes.withLock { $0 } == 1 && storage.paths.isEmpty)
  }

  /// A segment whose file cannot be made gives back the memory that it was to have.
  @Test func memoryIsKeptWhenAFileCannotBeMade() throws {
    let bench = try JournalBench(residentBytesMax: 0)
    _ = RetentionTests.write(bench, blocks: 40, seed: 8)
    let preparer = bench.journal.preparer
    while preparer.step() {}
    guard case .ready = preparer.take() else { throw Unexpected() }
    let memory = SegmentBuffer(try SegmentMemory(bytes: 64 << 10))
    let base = memory.memory.base
    preparer.recycle(memory)
    bench.storage.setRoom(0)
    #expect(!preparer.step())
    bench.storage.setRoom(nil)
    #expect(preparer.step())
    while case .ready(let segment) = preparer.take() {
      if segment.base == base { return }
    }
    Issue.record("the memory is gone")
  }

  /// What is touched between two looks is ready at the second one; nobody is woken for it any more.
  @Test func memoryThatCameBetweenTwoLooks() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    let preparer = bench.journal.preparer
    #expect(preparer.step())
    guard case .ready(let segment) = preparer.take() else { throw Unexpected() }
    #expect(preparer.memory(of: segment, bytes: JournalLimits.hugePageBytes) == .ready)
    #expect(preparer.memory(of: segment, bytes: JournalLimits.hugePageBytes + 1) == .busy)
    #expect(preparer.step() && preparer.memory(of: segment, bytes: Self.segmentBytes) == .ready)
  }

  /// The open block is full, and the next one behind it would lie in memory that is not touched: nothing was changed.
  @Test func aNextBlockWaitsForItsMemory() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    var generator = SeededGenerator(seed: 17)
    let records = JournalLimits.hugePageBytes / 4 / 96
    while bench.append(records: records, using: &generator) == .ready { bench.flush() }
    #expect(bench.journal.preparer.step())
    for _ in 0..<3 { #expect(bench.append(records: records, using: &generator) == .ready) }
    let number = bench.journal.openBlockNumber
    #expect(bench.append(records: records, using: &generator) == .busy)
    #expect(bench.journal.openBlockNumber == number && !bench.journal.open.isEmpty)
    #expect(bench.journal.preparer.step())
    #expect(bench.append(records: records, using: &generator) == .ready)
    #expect(bench.journal.openBlockNumber == number + 1)
  }

  /// Whoever waits for a segment is told when there will be none any more.
  @Test func nobodyWaitsForWhatWillNotCome() throws {
    let full = try JournalBench()
    full.storage.setRoom(0)
    full.prepare()
    #expect(full.journal.preparer.settle(), "full, which may change")
    let failed = try JournalBench()
    failed.storage.failure = .init(operation: failed.storage.operationCount + 1, isLasting: true, code: .ioError)
    failed.prepare()
    #expect(!failed.journal.preparer.settle() && failed.failures.all.count == 1)
    let stopped = try JournalBench()
    stopped.journal.preparer.stop()
    #expect(!stopped.journal.preparer.settle())
  }

  /// Where room cannot be taken, a segment gets its name after its zeros.
  @Test func zerosWhereRoomCannotBeTaken() throws {
    let storage = SimulatedStorage()
    storage.canReserve = false
    let bench = try JournalBench(storage, segmentBytes: Self.segmentBytes)
    for _ in 0..<JournalLimits.sparesMax * Self.stepsPerSpare { #expect(bench.journal.preparer.step()) }
    #expect(!bench.journal.preparer.step())
    guard case .ready(let segment) = bench.journal.preparer.take() else { throw Unexpected() }
    #expect(storage.contents(of: segment.path).count == Self.segmentBytes)
  }

  @Test func zerosThatCannotBeWrittenEndTheJournal() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    for _ in 0..<JournalLimits.sparesMax * Self.stepsPerSpare { bench.prepare() }
    bench.storage.failure = .init(operation: bench.storage.operationCount + 2, isLasting: false, code: .ioError)
    #expect(bench.journal.preparer.step())
    #expect(!bench.journal.preparer.step())
    #expect(bench.failures.all.map(\.operation) == ["write zeros to"])
  }

  private struct Unexpected: Error {}
}
