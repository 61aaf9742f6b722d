import SystemPackage
import Testing

@testable import ManaJournal

@Suite struct SegmentPreparerTests {
  private static let segmentBytes = 4 << 20
  private static let pieces = segmentBytes / JournalLimits.zeroPieceBytes

  /// Spares come first; then the first one's zeros, piece by piece, and it can be taken after each.
  @Test(arguments: 0...pieces)
  func aSpareCanBeTakenAtAnyTime(written: Int) throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    let preparer = bench.journal.preparer
    guard case .making = preparer.take() else { throw Unexpected() }
    for _ in 0..<JournalLimits.sparesMax { #expect(preparer.step()) }
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
    for _ in 0..<JournalLimits.sparesMax + Self.pieces { #expect(bench.journal.preparer.step()) }
    #expect(!bench.journal.preparer.step())
  }

  /// Where room cannot be taken, a segment gets its name after its zeros.
  @Test func zerosWhereRoomCannotBeTaken() throws {
    let storage = SimulatedStorage()
    storage.canReserve = false
    let bench = try JournalBench(storage, segmentBytes: Self.segmentBytes)
    for _ in 0..<JournalLimits.sparesMax { #expect(bench.journal.preparer.step()) }
    #expect(!bench.journal.preparer.step())
    guard case .ready(let segment) = bench.journal.preparer.take() else { throw Unexpected() }
    #expect(storage.contents(of: segment.path).count == Self.segmentBytes)
  }

  @Test func zerosThatCannotBeWrittenEndTheJournal() throws {
    let bench = try JournalBench(segmentBytes: Self.segmentBytes)
    for _ in 0..<JournalLimits.sparesMax { bench.prepare() }
    bench.storage.failure = .init(operation: bench.storage.operationCount + 2, isLasting: false, code: .ioError)
    #expect(bench.journal.preparer.step())
    #expect(!bench.journal.preparer.step())
    #expect(bench.failures.all.map(\.operation) == ["write zeros to"])
  }

  private struct Unexpected: Error {}
}
