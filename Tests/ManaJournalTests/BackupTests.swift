import SystemPackage
import Testing

@testable import ManaJournal

@Suite struct BackupTests {
  private static func backUp(_ source: SimulatedStorage, to target: SimulatedStorage) throws -> [ShardBackup] {
    try LedgerFiles(storage: source, .besideServer).backUp(to: target) { _ in }
  }

  /// Journals of all lengths: the copy has each block, and behind them one that names the last one durable.
  @Test(arguments: [[], [1], [5, 80], [600, 80], [300, 200, 178], [677], [677, 677], [600, 3, 500, 7, 677, 1]])
  func aCopyHasEverything(records: [Int]) throws {
    var generator = SeededGenerator(seed: 89)
    let bench = try JournalBench()
    for count in records { bench.commit(records: count, using: &generator) }
    let target = SimulatedStorage()
    let copied = try Self.backUp(bench.storage, to: target)
    #expect(copied[0].lastBlock == bench.journal.durableBlockNumber)
    // Synced, every name of it.
    let reading = try JournalBench.read(target.crashed(keepsNames: false) { _, _ in false })
    #expect(reading.bodies.starts(with: bench.bodies) && reading.cutBytes == 0)
    #expect(reading.bodies.count == bench.bodies.count + (records.isEmpty ? 0 : 1))
    let next = try JournalBench(target)
    next.commit(records: 3, using: &generator)
    #expect(try JournalBench.read(target).bodies == next.bodies)
  }

  /// Damage to the copy's last records is noticed, though nothing was ever written behind them in the source.
  @Test func theLastBlockOfACopyIsProven() throws {
    var generator = SeededGenerator(seed: 97)
    let bench = try JournalBench()
    for _ in 0..<3 { bench.commit(records: 2, using: &generator) }
    let target = SimulatedStorage()
    _ = try Self.backUp(bench.storage, to: target)
    target.flip(FrozenJournal.path(0), bit: (1024 + 200) * 8)
    #expect(throws: JournalError.self) { try JournalBench.read(target) }
  }

  /// A write that is on its way, or that a crash cut short, is the end of the copy.
  @Test func aTornTailIsLeftOut() throws {
    let journal = try FrozenJournal.filled(isClosed: false, seed: 101)
    journal.storage.flip(FrozenJournal.path(0), bit: (journal.blocks.last!.bytes.lowerBound + 300) * 8)
    let target = SimulatedStorage()
    #expect(try Self.backUp(journal.storage, to: target)[0].lastBlock == 14)
    #expect(try JournalBench.read(target).bodies.count == 15)
  }

  /// A damaged ledger makes no copy that looks like one.
  @Test(arguments: DamageTests.cases) func aDamagedSourceIsRefused(_ damage: DamageTests.Case) throws {
    let storage = try DamageTests.makeStorage()
    damage.damage(storage)
    let target = SimulatedStorage()
    #expect(throws: JournalError.self) { try Self.backUp(storage, to: target) }
    #expect(!target.paths.contains("ledger"), "what was copied looks like a ledger")
  }

  /// A block that another version of the program wrote is not copied as if it were known.
  @Test func aNewerFormatIsNamed() throws {
    let storage = try DamageTests.makeStorage()
    storage.edit(FrozenJournal.path(0)) { bytes in
      var header = BlockHeader(at: bytes.baseAddress! + 512)!
      header.formatVersion = 2
      _ = header.encode(into: bytes.baseAddress! + 512)
    }
    let expected = JournalError.unsupportedVersion(file: "/data/" + FrozenJournal.path(0), found: 2, supported: 1)
    #expect(throws: expected) { try Self.backUp(storage, to: SimulatedStorage()) }
  }

  /// A block that never stays as it was read is being written for ever: the copy ends, and says on what it waited.
  @Test func aWriteThatNeverEnds() throws {
    let journal = try FrozenJournal.filled(isClosed: false, seed: 107)
    let path = FrozenJournal.path(0)
    journal.storage.flip(path, bit: (journal.blocks.last!.bytes.lowerBound + 300) * 8)
    var reads = 0
    journal.storage.onRead = {
      reads += 1
      // Never the bit that makes it whole.
      journal.storage.flip(path, bit: (journal.blocks.last!.bytes.lowerBound + 400) * 8 + reads % 7)
    }
    var pauses = 0
    let expected = JournalError.system(
      operation: "wait for the end of a write to", file: "/data/" + path, code: .resourceBusy)
    #expect(throws: expected) {
      _ = try LedgerFiles(storage: journal.storage, .besideServer).backUp(
        to: SimulatedStorage(), pause: { pauses += 1 }, progress: { _ in })
    }
    #expect(pauses == 500)
  }

  /// A block that is whole when it is read again, and one that by then stands in the next segment.
  @Test(arguments: [false, true]) func aWriteThatEndsMeanwhile(isInNextSegment: Bool) throws {
    var generator = SeededGenerator(seed: 109)
    let bench = try JournalBench()
    bench.commit(records: 600, using: &generator)
    bench.commit(records: isInNextSegment ? 600 : 10, using: &generator)
    let path = FrozenJournal.path(isInNextSegment ? 1 : 0)
    let bytes = bench.storage.contents(of: path)
    let start = isInNextSegment ? 0 : BlockHeader.padded(160 + 600 * 96)
    bench.storage.edit(path) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + 512])) }
    if isInNextSegment {
      // Something stands where the block might have, and is gone before it is read again.
      bench.storage.edit(FrozenJournal.path(0)) { $0[$0.count - 1] = 1 }
    }
    let target = SimulatedStorage()
    _ = try LedgerFiles(storage: bench.storage, .besideServer).backUp(
      to: target,
      pause: {
        bench.storage.edit(path) { $0.copyBytes(from: bytes) }
        bench.storage.edit(FrozenJournal.path(0)) { $0[$0.count - 1] = 0 }
      }, progress: { _ in })
    let copy = try JournalBench.read(target)
    #expect(copy.bodies.starts(with: bench.bodies) && copy.bodies.count == 3)
  }

  @Test func aTargetMustBeEmpty() throws {
    let source = try DamageTests.makeStorage()
    let target = SimulatedStorage()
    target.add("precious", [1])
    #expect(throws: JournalError.targetNotEmpty(directory: "/data/")) { try Self.backUp(source, to: target) }
    #expect(target.paths == ["precious"])
  }

  /// Every operation on the target fails, and the power goes: a ledger that can be opened is a whole one.
  @Test func everyStepFails() throws {
    let source = try DamageTests.makeStorage()
    let bodies = try JournalBench.read(source).bodies
    var operation = 0
    while true {
      operation += 1
      let target = SimulatedStorage()
      target.failure = .init(operation: operation, isLasting: true, code: .noSpace, countsReads: true)
      var isDone = false
      do {
        _ = try Self.backUp(source, to: target)
        isDone = true
      } catch JournalError.system {
      }
      guard target.firedCount > 0 else { break }
      target.failure = nil
      #expect(!isDone, "operation \(operation): a failure was not told of")
      for keepsNames in [true, false] {
        let crashed = target.crashed(keepsNames: keepsNames) { _, _ in Bool.random() }
        guard crashed.paths.contains("ledger") else { continue }
        #expect(try JournalBench.read(crashed).bodies.starts(with: bodies), "operation \(operation)")
      }
    }
    #expect(operation > 20)
  }

  /// While a writer appends: the copy ends with a whole block, and has everything that was durable when it began.
  @Test func besideAWriter() throws {
    let storage = SimulatedStorage()
    let bench = try JournalBench(storage)
    var generator = SeededGenerator(seed: 103)
    for round in 0..<60 {
      bench.commit(records: Int.random(in: 1...200, using: &generator), using: &generator)
      let durable = bench.durableBodies
      // Between two readings of the backup the writer goes on: each look at the disk may bring a block.
      var budget = 3
      storage.onRead = {
        guard budget > 0 else { return }
        budget -= 1
        bench.commit(records: 40, using: &generator)
      }
      let target = SimulatedStorage()
      _ = try Self.backUp(storage, to: target)
      storage.onRead = nil
      let copy = try JournalBench.read(target).bodies
      #expect(copy.starts(with: durable), "round \(round)")
      // The last block may be the copy's own closing block.
      #expect(bench.bodies.starts(with: copy.dropLast()), "round \(round)")
    }
  }
}
