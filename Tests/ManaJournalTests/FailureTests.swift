import SystemPackage
import Testing

@testable import ManaJournal

/// The Nth operation on the disk fails, once or from then on, for each N until none is left to fail. Whatever had been
/// called durable by then is there after the next start.
@Suite struct FailureTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let isLasting: Bool
    let code: Int32
    /// Whether reads and looks fail, too, and not only what changes the disk.
    let countsReads: Bool
    var testDescription: String {
      "\(Errno(rawValue: code)), \(isLasting ? "from then on" : "once"), \(countsReads ? "reads too" : "writes")"
    }
  }

  static let kinds = [Errno.ioError, .noSpace].flatMap { code in
    [true, false].flatMap { isLasting in
      [true, false].map { Kind(isLasting: isLasting, code: code.rawValue, countsReads: $0) }
    }
  }

  /// Two lives of a journal over three segments. Returns what was called durable and what was appended.
  private func live(on storage: SimulatedStorage) -> (durable: [Body], appended: [Body]) {
    var durable: [Body] = []
    var appended: [Body] = []
    for life in 0..<2 {
      var generator = SeededGenerator(seed: UInt64(life))
      do {
        let bench = try JournalBench(storage)
        appended = bench.bodies
        for turn in 0..<10 {
          bench.append(records: 160, using: &generator)
          bench.flush()
          if turn % 3 == 2 { bench.prepare() }
        }
        bench.writeClosingBlock()
        bench.close()
        durable = bench.durableBodies
        appended = bench.bodies
        if !bench.failures.all.isEmpty { return (durable, appended) }
      } catch {
        return (durable, appended)
      }
    }
    return (durable, appended)
  }

  @Test(arguments: kinds)
  func everyOperationFails(kind: Kind) throws {
    var operation = 0
    while true {
      operation += 1
      let storage = SimulatedStorage()
      storage.failure = .init(
        operation: operation, isLasting: kind.isLasting, code: Errno(rawValue: kind.code),
        countsReads: kind.countsReads)
      let (durable, appended) = live(on: storage)
      guard storage.firedCount > 0 else { break }
      for variant in 0..<4 {
        var generator = SeededGenerator(seed: UInt64(operation * 4 + variant))
        let crashed = storage.crashed(keepsNames: variant % 2 == 0) { _, _ in
          variant < 2 ? variant == 1 : Bool.random(using: &generator)
        }
        let reading = try JournalBench.read(crashed)
        #expect(reading.bodies.starts(with: durable), "operation \(operation), variant \(variant)")
        #expect(appended.starts(with: reading.bodies), "operation \(operation), variant \(variant)")
      }
    }
    #expect(operation > (kind.countsReads ? 110 : 80), "the lives are too short to mean anything: \(operation)")
  }

  /// What an earlier start left in the making cannot be removed: the start says so, and the next one does it.
  @Test func aLeftoverThatCannotBeRemoved() throws {
    let storage = try DamageTests.makeStorage()
    let bodies = try JournalBench.read(storage).bodies
    let leftover = "shard-000/0000000009.segment.temporary"
    storage.add(leftover, [1])
    // The directory's names are made durable first.
    storage.failure = .init(operation: storage.operationCount + 2, isLasting: false, code: .ioError)
    #expect(throws: JournalError.system(operation: "remove", file: "/data/" + leftover, code: .ioError)) {
      try JournalBench.read(storage)
    }
    #expect(storage.paths.contains(leftover))
    #expect(try JournalBench.read(storage).bodies == bodies && !storage.paths.contains(leftover))
  }

  /// Everything was durable, and the block that is to say so cannot be written.
  @Test func aClosingBlockThatCannotBeWritten() throws {
    var generator = SeededGenerator(seed: 42)
    let bench = try JournalBench()
    bench.commit(records: 1, using: &generator)
    bench.storage.failure = .init(operation: bench.storage.operationCount + 1, isLasting: false, code: .ioError)
    #expect(!bench.journal.settle(digest: bench.fold.digest, timestamp: 2))
    #expect(bench.failures.all.map(\.operation) == ["write"] && bench.journal.durableBlockNumber == 1)
    #expect(try JournalBench.read(bench.storage).bodies == bench.bodies)
  }

  @Test func aFailedSyncEndsTheJournal() throws {
    var generator = SeededGenerator(seed: 41)
    let bench = try JournalBench()
    bench.commit(records: 1, using: &generator)
    bench.storage.failure = .init(operation: bench.storage.operationCount + 2, isLasting: false, code: .ioError)
    bench.append(records: 1, using: &generator)
    bench.flush()
    let failure = JournalFailure(
      operation: "sync", file: "/data/shard-000/0000000000.segment", code: .ioError)
    #expect(bench.failures.all == [failure])
    #expect(failure.description.contains("cannot sync /data/shard-000/0000000000.segment"))
    let count = bench.storage.operationCount
    bench.append(records: 1, using: &generator)
    bench.flush()
    bench.close()
    #expect(bench.journal.durableBlockNumber == 1 && bench.storage.operationCount == count, "nothing is tried again")
  }
}
