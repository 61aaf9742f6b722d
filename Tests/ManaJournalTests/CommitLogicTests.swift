import Testing

@testable import ManaJournal

/// The two pure halves of the commit logic, without a journal around them.
@Suite struct CommitLogicTests {
  struct Fit: Sendable, CustomTestStringConvertible {
    let segmentBytes: Int
    let start: Int
    let appended: Int
    let asked: Int
    let need: OpenBlock.Need
    var testDescription: String { "\(appended) bytes at \(start) of \(segmentBytes), then \(asked): \(need)" }
  }

  private static let small = 64 << 10
  private static let large = 4 << 20
  private static let blockMax = JournalLimits.recordBytesPerBlockMax

  @Test(arguments: [
    Fit(segmentBytes: small, start: 0, appended: 0, asked: small - 160, need: .nothing),
    Fit(segmentBytes: small, start: 512, appended: 0, asked: small - 160, need: .rolling),
    Fit(segmentBytes: small, start: 512, appended: 0, asked: small - 160 - 512, need: .nothing),
    Fit(segmentBytes: small, start: small - 512, appended: 0, asked: 352, need: .nothing),
    Fit(segmentBytes: small, start: small - 512, appended: 0, asked: 384, need: .rolling),
    Fit(segmentBytes: small, start: small, appended: 0, asked: 32, need: .rolling),
    Fit(segmentBytes: small, start: 0, appended: small - 160 - 32, asked: 32, need: .nothing),
    Fit(segmentBytes: small, start: 0, appended: small - 160 - 32, asked: 64, need: .rolling),
    // A block never crosses a segment, so there is nothing to seal for before the segment's end.
    Fit(segmentBytes: small, start: 0, appended: 96, asked: small - 160 - 96, need: .nothing),
    Fit(segmentBytes: small, start: 0, appended: 96, asked: small - 160 - 64, need: .rolling),
    Fit(segmentBytes: large, start: 0, appended: blockMax, asked: 32, need: .sealing),
    Fit(segmentBytes: large, start: 0, appended: blockMax - 32, asked: 32, need: .nothing),
    Fit(segmentBytes: large, start: 0, appended: 32, asked: blockMax, need: .sealing),
    Fit(segmentBytes: large, start: large - (1 << 20), appended: blockMax, asked: 4096 - 160, need: .sealing),
    Fit(segmentBytes: large, start: large - (1 << 20), appended: blockMax, asked: 4096 - 128, need: .rolling),
  ])
  func whatFits(fit: Fit) {
    var open = OpenBlock(segmentBytes: fit.segmentBytes, segment: 3, start: fit.start, number: 9)
    if fit.appended > 0 { open.append(bytes: fit.appended, records: 1) }
    open.checkInvariants()
    #expect(open.need(for: fit.asked) == fit.need)
  }

  @Test(arguments: [UInt64](1...50))
  func openBlocksFollowEachOther(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var open = OpenBlock(segmentBytes: 64 << 10, segment: 0, start: 0, number: 1)
    for _ in 0..<500 {
      let before = open
      let bytes = 32 * Int.random(in: 1...400, using: &generator)
      let need = open.need(for: bytes)
      if need != .nothing && !open.isEmpty { open.advance() }
      if need == .rolling { open.roll() }
      #expect(open.need(for: bytes) == .nothing, "seed \(seed)")
      #expect(need != .rolling || (open.segment == before.segment + 1 && open.start == 0), "seed \(seed)")
      #expect(need != .sealing || open.start == before.paddedEnd, "seed \(seed)")
      #expect(open.number == before.number + (need == .nothing || before.isEmpty ? 0 : 1), "seed \(seed)")
      open.append(bytes: bytes, records: 1)
      open.checkInvariants()
    }
  }

  private func block(_ number: UInt64) throws -> SealedBlock {
    let storage = SimulatedStorage()
    let segment = Segment(
      number: 0, path: "s", file: try storage.create("s"), buffer: SegmentBuffer(try SegmentMemory(bytes: 64 << 10)))
    return SealedBlock(
      segment: segment, start: Int(number) * 512, byteLength: 192, recordCount: 1, number: number, digest: 0,
      timestamp: 0)
  }

  @Test func oneBlockAtATimeInOrder() throws {
    var queue = CommitQueue(durableNumber: 6)
    #expect(queue.isDrained && queue.next()?.number == nil && queue.lastNumber == 6)
    queue.add(try block(7))
    queue.add(try block(8))
    #expect(queue.next()?.number == 7)
    #expect(queue.next()?.number == nil, "8 waits until 7 is durable")
    queue.add(try block(9))
    #expect(queue.durableNumber == 6 && queue.lastNumber == 9)
    queue.complete()
    #expect(queue.durableNumber == 7 && queue.next()?.number == 8)
    queue.complete()
    #expect(queue.next()?.number == 9)
    queue.fail()
    #expect(queue.next()?.number == nil && queue.durableNumber == 8 && !queue.isDrained)
    queue.checkInvariants()
  }

  @Test func nothingIsWrittenAfterAFailure() throws {
    var queue = CommitQueue(durableNumber: 0)
    queue.add(try block(1))
    queue.add(try block(2))
    _ = queue.next()
    queue.fail()
    #expect(queue.next()?.number == nil && queue.hasFailed && queue.durableNumber == 0)
  }
}
