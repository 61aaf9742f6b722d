import SystemPackage
import Testing

@testable import ManaJournal

/// Blocks that the loop writes itself, without the writer's thread.
@Suite struct LoneCommitTests {
  @Test func aShortBlockIsDurableAtOnce() throws {
    var generator = SeededGenerator(seed: 1)
    let bench = try JournalBench()
    for block in 1...3 {
      bench.append(records: 2, using: &generator)
      bench.submitAndWrite()
      #expect(!bench.journal.writer.hasWork && bench.journal.hasCompletions)
      #expect(bench.journal.collectCompletions() && !bench.journal.hasCompletions)
      #expect(bench.journal.durableBlockNumber == UInt64(block) && bench.storage.syncedBlockNumber == UInt64(block))
    }
    #expect(bench.journal.needsClosingBlock)
    #expect(try JournalBench.read(bench.storage.crashed { _, _ in false }).bodies == bench.bodies)
  }

  @Test func nothingToWriteIsNothing() throws {
    let bench = try JournalBench()
    bench.submitAndWrite()
    #expect(bench.journal.openBlockNumber == 1 && !bench.journal.hasCompletions)
  }

  @Test func aLongBlockAndOneBehindAnotherAreTheWriters() throws {
    var generator = SeededGenerator(seed: 2)
    let bench = try JournalBench()
    bench.append(records: 1 + JournalLimits.writtenAtOnceBytesMax / 96, using: &generator)
    bench.submitAndWrite()
    #expect(bench.journal.writer.hasWork && !bench.journal.hasCompletions)
    bench.append(records: 1, using: &generator)
    bench.submitAndWrite()
    #expect(bench.journal.openBlockNumber == 2, "it goes on gathering")
    bench.flush()
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }

  @Test(arguments: ["write", "sync"])
  func aFailureIsReportedAndTheLast(operation: String) throws {
    var generator = SeededGenerator(seed: 3)
    let bench = try JournalBench()
    bench.append(records: 1, using: &generator)
    bench.submitAndWrite()
    _ = bench.journal.collectCompletions()
    bench.storage.failure = .init(
      operation: bench.storage.operationCount + (operation == "write" ? 1 : 2), isLasting: false, code: .ioError)
    for _ in 0..<2 {
      bench.append(records: 1, using: &generator)
      bench.submitAndWrite()
      bench.flush()
      #expect(bench.journal.durableBlockNumber == 1)
      #expect(bench.failures.all.map(\.operation) == [operation])
    }
    let reading = try JournalBench.read(bench.storage.crashed { _, _ in false })
    #expect(reading.bodies == Array(bench.bodies.prefix(1)))
  }

  /// Both ways in any order, then a power cut: what was called durable is there.
  @Test(arguments: [UInt64](1...30))
  func bothWaysInAnyOrder(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bench = try JournalBench()
    for _ in 0..<60 {
      let records = Int.random(in: 1...60, using: &generator)
      if bench.append(records: records, using: &generator) != .ready {
        bench.flush()
        bench.prepare()
        continue
      }
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bench.submitAndWrite()
      case 1: bench.flush()
      case 2: bench.submit()
      default: break
      }
      _ = bench.journal.collectCompletions()
    }
    let durable = bench.durableBodies
    let kept = SeededGenerator(seed: seed &+ 1_000)
    let crashed = bench.storage.crashed { _, sector in
      var generator = kept
      return (generator.next() &+ UInt64(sector)) & 1 == 0
    }
    let reading = try JournalBench.read(crashed)
    #expect(Array(reading.bodies.prefix(durable.count)) == durable, "seed \(seed)")
    #expect(reading.bodies == Array(bench.bodies.prefix(reading.bodies.count)), "seed \(seed)")
  }
}
