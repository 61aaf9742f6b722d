import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// What is in a checkpoint: states of all lengths, marks that cannot be, and a disk that fails while it is read or written.
@Suite struct CheckpointContentTests {
  private static let piece = JournalLimits.checkpointPieceBytes - CheckpointHead.hashBytes

  /// A journal of a few blocks, all durable.
  private static func bench() throws -> JournalBench {
    let bench = try JournalBench()
    _ = RetentionTests.write(bench, blocks: 5, seed: 21)
    bench.settle()
    return bench
  }

  /// Makes a checkpoint whose state is so many bytes, all of them 9.
  private static func make(_ bench: JournalBench, bytes: Int) throws -> CheckpointReport {
    let state = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes, 1), alignment: 16)
    defer { state.deallocate() }
    state.initializeMemory(as: UInt8.self, repeating: 9)
    let report = try bench.journal.writeCheckpoint(digest: bench.fold.digest) { writer throws(JournalError) in
      try writer.append(UnsafeRawBufferPointer(rebasing: state[..<bytes]))
    }
    return try #require(report)
  }

  /// Reads the newest checkpoint up to its state.
  private static func source(_ bench: JournalBench) throws -> CheckpointSource {
    let path = try #require(CheckpointTests.checkpoints(of: bench.storage).last)
    let journal = bench.directory.identity.journal(shard: 0)
    let source = try CheckpointSource(path: path, journal: journal, in: bench.storage)
    #expect(try SegmentMarks.read(from: source).count == Int(source.head.resume.segment) + 1)
    return source
  }

  /// Around the end of a piece of the file, and of several: what was written is read, and no byte more or less.
  @Test(arguments: [(0, 0), (0, 100), (1, -1), (1, 0), (1, 1), (2, 0), (2, 700)])
  func statesOfAllLengths(pieces: Int, more: Int) throws {
    let bench = try Self.bench()
    _ = try Self.make(bench, bytes: 0)
    let marksBytes = try Self.source(bench).head.contentBytes
    let bytes = pieces == 0 ? more : pieces * Self.piece - marksBytes + more
    let report = try Self.make(bench, bytes: bytes)
    let path = try #require(CheckpointTests.checkpoints(of: bench.storage).last)
    #expect(report.bytes == bench.storage.contents(of: path).count)
    let state = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes + 1, alignment: 16)
    defer { state.deallocate() }
    let source = try Self.source(bench)
    try source.read(into: UnsafeMutableRawBufferPointer(rebasing: state[..<bytes]))
    #expect(state[..<bytes].allSatisfy { $0 == 9 })
    try source.finish(digest: bench.fold.digest)
    #expect(source.isFinished)
    #expect(throws: CheckpointFault("it ends before its state does")) {
      try source.read(into: UnsafeMutableRawBufferPointer(rebasing: state[..<1]))
    }
    guard bytes > 0 else { return }
    let early = try Self.source(bench)
    try early.read(into: UnsafeMutableRawBufferPointer(rebasing: state[..<(bytes - 1)]))
    #expect(throws: CheckpointFault("it has more bytes than its state")) {
      try early.finish(digest: bench.fold.digest)
    }
  }

  /// The disk fails in the middle of a state that is written number by number, and nothing is left of it.
  @Test func aDiskThatFailsInTheMiddle() throws {
    let bench = try Self.bench()
    // Removing what may be left, and making the file, come first.
    bench.storage.failure = .init(operation: bench.storage.operationCount + 3, isLasting: false, code: .noSpace)
    do throws(JournalError) {
      _ = try bench.journal.writeCheckpoint(digest: bench.fold.digest) { writer throws(JournalError) in
        for number in 0..<UInt64(2 * Self.piece / 8) { try writer.append(number: number) }
      }
      Issue.record("made")
    } catch {
      guard case .system(operation: "write", _, .noSpace) = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(CheckpointTests.checkpoints(of: bench.storage).isEmpty)
    #expect(!bench.storage.paths.contains { $0.hasSuffix(CheckpointFiles.temporarySuffix) })
    #expect(try JournalBench(bench.storage, usesCheckpoints: true).bodies.starts(with: bench.bodies))
  }

  enum Marks: CaseIterable {
    case segmentMissing, firstNumber, empty, beyondTheSegment, notInOrder, notFromTheBeginning, notASector
    case endNotASector, otherEnd, blockMissing
  }

  /// Marks under hashes that are right, which are those of no journal: the checkpoint is passed over.
  @Test(arguments: Marks.allCases) func marksThatCannotBe(_ change: Marks) throws {
    let bench = try CheckpointTests.life(closes: true)
    let path = try #require(CheckpointTests.checkpoints(of: bench.storage).last)
    let journal = bench.directory.identity.journal(shard: 0)
    let source = try CheckpointSource(path: path, journal: journal, in: bench.storage)
    var marks = try SegmentMarks.read(from: source)
    let (first, last) = (marks[0], marks[marks.count - 1])
    func with(_ original: SegmentMarks, end: Int? = nil, _ edit: (inout [BlockMark]) -> Void) -> SegmentMarks {
      var blocks = original.marks
      edit(&blocks)
      return SegmentMarks(firstNumber: original.firstNumber, marks: blocks, end: end ?? original.end)
    }
    switch change {
    case .segmentMissing: marks.removeLast()
    case .firstNumber: marks[0] = SegmentMarks(firstNumber: 2, marks: first.marks, end: first.end)
    case .empty: marks[0] = with(first) { $0 = [] }
    case .beyondTheSegment: marks[0] = with(first, end: CheckpointTests.segmentBytes + 512) { _ in }
    case .notInOrder: marks[0] = with(first) { $0.swapAt(1, 2) }
    case .notFromTheBeginning: marks[0] = with(first) { $0[0] = BlockMark(start: 512, checksum: 1) }
    case .notASector: marks[0] = with(first) { $0[1] = BlockMark(start: $0[1].start + 32, checksum: 1) }
    case .endNotASector: marks[0] = with(first, end: first.end - 32) { _ in }
    case .otherEnd: marks[marks.count - 1] = with(last, end: last.end + 512) { _ in }
    case .blockMissing: marks[marks.count - 1] = with(last) { $0.removeLast() }
    }
    let head = source.head
    let state = BenchState(fold: bench.fold, bodies: bench.bodies)
    _ = try bench.directory.writeCheckpoint(
      CheckpointHead(
        journal: journal, resume: head.resume, number: head.number, blockHash: head.blockHash,
        endPosition: head.endPosition, digest: head.digest, records: head.records),
      marks: marks, isCancelled: { false }, save: state.save)
    let start = try JournalBench(bench.storage.copied(), usesCheckpoints: true)
    #expect(start.bodies == bench.bodies)
    let problems = start.journal.statistics.recovery.problems
    #expect(problems == [CheckpointProblem(file: "/data/" + path, reason: "its marks are not those of a journal")])
  }

  /// Whatever cannot be read when a start begins behind a checkpoint: the start says so, or does without.
  @Test func everyReadOfAStartFails() throws {
    let bench = try CheckpointTests.life(closes: true)
    var refused: Set<String> = []
    for operation in 1... {
      let storage = bench.storage.copied()
      storage.failure = .init(
        operation: storage.operationCount + operation, isLasting: false, code: .permissionDenied, countsReads: true)
      do {
        let start = try JournalBench(storage, residentBytesMax: 0, usesCheckpoints: true)
        #expect(start.bodies == bench.bodies, "operation \(operation)")
        if storage.firedCount == 0 { break }
        #expect(start.journal.statistics.recovery.problems.count == 1, "operation \(operation)")
      } catch JournalError.system(let operation, _, let code) {
        #expect(code == .permissionDenied)
        refused.insert(operation)
      }
    }
    #expect(refused.isSuperset(of: ["list", "open", "measure", "read", "sync", "sync the directory"]))
  }

  /// A server opens a journal with its threads, behind a checkpoint.
  @Test func aJournalWithThreadsBegins() throws {
    let bench = try CheckpointTests.life(closes: true)
    let state = BenchState()
    let directory = try DataDirectory(storage: bench.storage.copied(), creatingWith: CreationOptions())
    let journal = try directory.openJournal(shard: 0, onDurable: {}, restore: state.restore) { state.replay($0) }
    #expect(state.bodies == bench.bodies && journal.statistics.recovery.checkpointBlock == UInt64(bench.bodies.count))
    journal.close(digest: state.fold.digest, timestamp: 1)
  }

  @Test func anEmptyJournalHasNoCheckpoint() throws {
    let bench = try JournalBench()
    #expect(try bench.closeWithCheckpoint() == nil)
    #expect(CheckpointTests.checkpoints(of: bench.storage).isEmpty)
  }
}
