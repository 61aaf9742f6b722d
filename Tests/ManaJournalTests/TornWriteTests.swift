import SystemPackage
import Testing

@testable import ManaJournal

/// A block of up to eight sectors of which a power cut kept some: every subset, in every kind of place. Only all of
/// them make the block; anything less is cut, and life goes on over it.
@Suite struct TornWriteTests {
  enum Site: CaseIterable { case first, inTheMiddle, behindAClosingBlock, firstOfASegment, lastOfASegment }

  /// A journal whose next block will stand there, with room for it.
  private func bench(at site: Site, sectors: Int, using generator: inout SeededGenerator) throws -> JournalBench {
    let bench = try JournalBench()
    let segment = 64 << 10
    func fill(to bytes: Int) {
      bench.commit(records: (bytes - JournalLimits.blockHeaderBytes) / 96, using: &generator)
    }
    switch site {
    case .first: break
    case .inTheMiddle: bench.commit(records: 5, using: &generator)
    case .behindAClosingBlock:
      bench.commit(records: 5, using: &generator)
      bench.writeClosingBlock()
    case .firstOfASegment:
      fill(to: segment)
      bench.prepare()
    case .lastOfASegment:
      fill(to: segment - sectors * 512)
      precondition(BlockHeader.padded(bench.bodies[0].byteCount + 160) == segment - sectors * 512)
    }
    return bench
  }

  @Test(arguments: Site.allCases, 1...8)
  func everySubset(site: Site, sectors: Int) throws {
    for subset in 0..<1 << sectors {
      var generator = SeededGenerator(seed: 61)
      let bench = try bench(at: site, sectors: sectors, using: &generator)
      let before = bench.bodies
      let records = (sectors * 512 - JournalLimits.blockHeaderBytes) / 96
      let storage = bench.storage
      bench.append(records: records, using: &generator)
      let number = bench.journal.openBlockNumber
      let offset = bench.journal.open.start
      #expect(bench.journal.open.paddedEnd - offset == sectors * 512)
      // Its write reaches the device, its sync fails, and then the power does.
      storage.failure = .init(operation: storage.operationCount + 2, isLasting: true, code: .ioError)
      bench.flush()
      #expect(bench.failures.all.map(\.operation) == ["sync"] && bench.journal.durableBlockNumber == number - 1)
      let crashed = storage.crashed { _, sector in subset & (1 << (sector - offset / 512)) != 0 }
      let isWhole = subset == (1 << sectors) - 1
      let next = try JournalBench(crashed)
      #expect(next.bodies == (isWhole ? bench.bodies : before), "subset \(subset)")
      #expect((next.journal.statistics.recovery.cutBytes > 0) == (!isWhole && subset != 0), "subset \(subset)")
      next.commit(records: 2, using: &generator)
      #expect(try JournalBench.read(crashed).bodies == next.bodies, "subset \(subset), what came after")
    }
  }

  /// The cut itself is a write that a power cut tears: every subset of its sectors, and the next start finishes it.
  @Test func everySubsetOfACut() throws {
    var generator = SeededGenerator(seed: 67)
    let bench = try JournalBench()
    bench.commit(records: 5, using: &generator)
    bench.append(records: 41, using: &generator)
    bench.flush()
    let start = BlockHeader.padded(5 * 96 + 160)
    let torn = bench.storage.copied()
    // One sector of eight is missing: the other seven are to be cut.
    torn.edit(FrozenJournal.path(0)) {
      System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[start + 512..<start + 1024]))
    }
    for subset in 0..<256 {
      let storage = torn.copied()
      storage.failure = .init(operation: storage.operationCount + 2, isLasting: true, code: .ioError)
      #expect(throws: JournalError.self) { try JournalBench.read(storage) }
      let crashed = storage.crashed { _, sector in subset & (1 << (sector - start / 512)) != 0 }
      let reading = try JournalBench.read(crashed)
      #expect(reading.bodies == Array(bench.bodies.prefix(1)), "subset \(subset)")
      #expect(try JournalBench.read(crashed).cutBytes == 0, "subset \(subset): the cut is made once")
    }
  }
}
