import SystemPackage
import Testing

@testable import ManaJournal

/// What a loop waits on: `onDurable` counts, the loop waits until the count moves.
private final class Bell: Sendable {
  private let count = Monitor(0)
  func ring() { count.update { $0 += 1 } }
  func wait() { count.wait { $0 > 0 ? ($0 = 0) : nil } }
}

@Suite struct WriterThreadTests {
  /// Appends `turns` turns of a few records each, as fast as the journal takes them.
  private func run(
    _ journal: Journal, _ bell: Bell, turns: Int, seed: UInt64, check: () -> Bool
  ) -> (fold: Fold, records: Int) {
    var generator = SeededGenerator(seed: seed)
    var fold = Fold()
    var records = 0
    for turn in 0..<turns {
      let count = Int.random(in: 1...40, using: &generator)
      while journal.makeRoom(bytes: count * 32, digest: fold.digest, timestamp: UInt64(turn)) != .ready {
        bell.wait()
        _ = journal.collectCompletions()
      }
      for index in 0..<count {
        let words = SIMD4(generator.next(), generator.next(), UInt64(turn), UInt64(index))
        journal.cursor.storeBytes(of: words, toByteOffset: index * 32, as: SIMD4<UInt64>.self)
      }
      fold.apply(UnsafeRawBufferPointer(start: journal.cursor, count: count * 32))
      journal.append(bytes: count * 32, records: count)
      records += count
      if Bool.random(using: &generator) {
        journal.submit(digest: fold.digest, timestamp: UInt64(turn))
      } else {
        journal.submitAndWrite(digest: fold.digest, timestamp: UInt64(turn))
      }
      _ = journal.collectCompletions()
      if !check() { Issue.record("seed \(seed), turn \(turn): called durable before it was synced") }
      if turn % 7 == 0 {
        while journal.durableBlockNumber < journal.lastAppendedBlockNumber {
          bell.wait()
          _ = journal.collectCompletions()
          journal.submit(digest: fold.digest, timestamp: UInt64(turn))
        }
      }
    }
    journal.close(digest: fold.digest, timestamp: UInt64(turns))
    return (fold, records)
  }

  @Test(arguments: [UInt64](1...4))
  func nothingIsDurableBeforeItsSync(seed: UInt64) throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    let bell = Bell()
    let failures = FailureLog()
    let journal = try directory.openJournal(
      shard: 0, onDurable: { bell.ring() }, onFailure: { failures.add($0) }
    ) { _ in 0 }
    let (fold, records) = run(journal, bell, turns: 4_000, seed: seed) {
      // Read in this order: what is called durable can only lag behind what is synced.
      let durable = journal.durableBlockNumber
      return durable <= storage.syncedBlockNumber
    }
    #expect(failures.all.isEmpty)
    let statistics = journal.statistics
    #expect(statistics.blocks > 500 && statistics.records == UInt64(records))
    let reading = try JournalBench.read(storage)
    #expect(reading.bodies.last?.digest == fold.digest && reading.cutBytes == 0)
    #expect(reading.bodies.reduce(0) { $0 + $1.byteCount } == records * 32)
  }

  @Test func aRealDiskKeepsWhatItWasTold() throws {
    let temporary = TemporaryDirectory()
    let options = CreationOptions(shardCount: 2, segmentBytes: 256 << 10)
    let path = temporary.path.appending("data")
    var ends: [Fold] = []
    do {
      let directory = try DataDirectory.open(at: path, creatingWith: options, allowUnsuitableFileSystem: true)
      for shard in 0..<2 {
        let bell = Bell()
        let journal = try directory.openJournal(shard: shard, onDurable: { bell.ring() }) { _ in 0 }
        ends.append(run(journal, bell, turns: 1_500, seed: UInt64(shard)) { true }.fold)
      }
    }
    let directory = try DataDirectory.open(at: path, allowUnsuitableFileSystem: true)
    for shard in 0..<2 {
      var fold = Fold()
      let journal = try directory.openJournal(shard: shard, onDurable: {}) { block in
        fold.apply(block.body)
        return fold.digest
      }
      #expect(fold == ends[shard])
      #expect(journal.statistics.recovery.cutBytes == 0 && journal.statistics.recovery.blocks > 10)
      #expect(!journal.needsClosingBlock && journal.statistics.segments > 1)
      journal.close(digest: fold.digest, timestamp: 9)
    }
  }

  /// No room for the next segment: `full`; then there is room again, the bell rings, and it goes on.
  @Test func aFullDiskFindsRoomAgain() throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    storage.setRoom(0)
    let bell = Bell()
    let journal = try directory.openJournal(shard: 0, onDurable: { bell.ring() }) { _ in 0 }
    let bytes = journal.recordBytesPerBlockMax
    func room() -> Journal.Room { journal.makeRoom(bytes: bytes, digest: 1, timestamp: 1) }
    #expect(room() == .ready)
    journal.append(bytes: bytes, records: 1)
    journal.submit(digest: 1, timestamp: 1)
    while room() == .busy { bell.wait() }
    #expect(room() == .full)
    storage.setRoom(1 << 20)
    while room() != .ready { bell.wait() }
    #expect(journal.openBlockNumber == 2)
    journal.close(digest: 1, timestamp: 1)
  }

  @Test func closingTwiceIsClosingOnce() throws {
    let bench = try JournalBench()
    bench.close()
    bench.close()
    #expect(bench.journal.durableBlockNumber == 0)
  }
}
