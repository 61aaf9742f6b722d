import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// What a loop waits on: `onDurable` counts, the loop waits until the count moves.
private final class Bell: Sendable {
  private let count = Monitor(0)
  func ring() { count.update { $0 += 1 } }
  func wait() { count.wait { $0 > 0 ? ($0 = 0) : nil } }
}

/// What /proc says of a thread.
private enum Thread {
  /// The thread that asks, as a folder of /proc.
  static func current() throws -> String {
    var target = [CChar](repeating: 0, count: 64)
    let count = readlink("/proc/thread-self", &target, 63)
    try #require(count > 0)
    return "/proc/" + String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether a thread waits for something.
  static func isAsleep(_ folder: String) -> Bool {
    guard let file = fopen(folder + "/stat", "r") else { return true }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 256)
    let count = fread(&text, 1, 256, file)
    // Behind the name, which is in parentheses.
    guard let end = text[..<count].lastIndex(of: UInt8(ascii: ")")) else { return true }
    return text[end + 2] == UInt8(ascii: "S")
  }
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

  /// Blocks that left memory are read back by the journal's own threads, several at a time.
  @Test func whatLeftMemoryIsReadBack() throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    let bell = Bell()
    let failures = FailureLog()
    let journal = try directory.openJournal(
      shard: 0, residentBytesMax: 0, onDurable: { bell.ring() }, onFailure: { failures.add($0) }
    ) { _ in 0 }
    var positions: [UInt64] = []
    for block in 0..<40 {
      while journal.makeRoom(bytes: 9_600, digest: 0, timestamp: 1) != .ready {
        bell.wait()
        _ = journal.collectCompletions()
      }
      positions.append(journal.position)
      journal.cursor.initializeMemory(as: UInt8.self, repeating: UInt8(block), count: 9_600)
      journal.append(bytes: 9_600, records: 100)
      journal.submit(digest: 0, timestamp: 1)
    }
    #expect(journal.settle(digest: 0, timestamp: 1))
    let archive = try #require(journal.archive)
    var absent = Set(positions.filter { journal.segments.bases[RetentionTests.segment(of: $0)] == nil })
    #expect(absent.count > 20)
    for position in absent { archive.fetch(position) }
    while !absent.isEmpty {
      for read in archive.collect() {
        for position in absent.filter(read.contains) {
          let record = try #require(read.pointer(at: position))
          #expect(record.load(as: UInt8.self) == UInt8(positions.firstIndex(of: position)!) && read.failure == nil)
          absent.remove(position)
        }
      }
      if !absent.isEmpty { bell.wait() }
    }
    journal.close(digest: 0, timestamp: 1)
    #expect(failures.all.isEmpty)
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

  /// The last block fills its segment, and the next one is still being made: the end waits for it.
  @Test func anEndWaitsForASegment() throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    let thread = try Thread.current()
    let gate = Monitor(false)
    storage.onReserve = {
      // Until the end was begun, and its thread waits.
      gate.wait { $0 ? () : nil }
      while !Thread.isAsleep(thread) {}
    }
    let bell = Bell()
    let journal = try directory.openJournal(shard: 0, onDurable: { bell.ring() }) { _ in 0 }
    let bytes = journal.recordBytesPerBlockMax
    #expect(journal.makeRoom(bytes: bytes, digest: 1, timestamp: 1) == .ready)
    journal.append(bytes: bytes, records: 1)
    journal.submit(digest: 1, timestamp: 1)
    while !journal.collectCompletions() { bell.wait() }
    gate.update { $0 = true }
    #expect(journal.settle(digest: 1, timestamp: 1))
    #expect(journal.durableBlockNumber == 2 && !journal.needsClosingBlock)
    journal.close(digest: 1, timestamp: 1)
  }

  /// When nobody was in a hurry for a spare, its zeros are really written, and synced.
  @Test func zerosAreWrittenInTime() throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    let syncs = Monitor<[String: Int]>([:])
    storage.onSync = { path in syncs.update { $0[path, default: 0] += 1 } }
    let journal = try directory.openJournal(shard: 0, onDurable: {}) { _ in 0 }
    let spare = Segment.path(shard: 0, segment: 1)
    // The first sync is of the room that was taken.
    syncs.wait { $0[SegmentFile.temporaryPath(of: spare), default: 0] == 2 ? () : nil }
    #expect(storage.contents(of: spare) == [UInt8](repeating: 0, count: 64 << 10))
    journal.close(digest: 0, timestamp: 1)
  }

  /// A journal whose disk is full can be closed while its preparer waits for room.
  @Test func aFullDiskKeepsNobody() throws {
    let storage = SimulatedStorage()
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    storage.setRoom(0)
    let bell = Bell()
    let journal = try directory.openJournal(shard: 0, onDurable: { bell.ring() }) { _ in 0 }
    let bytes = journal.recordBytesPerBlockMax
    #expect(journal.makeRoom(bytes: bytes, digest: 1, timestamp: 1) == .ready)
    journal.append(bytes: bytes, records: 1)
    journal.submit(digest: 1, timestamp: 1)
    while journal.makeRoom(bytes: bytes, digest: 1, timestamp: 1) != .full { bell.wait() }
    journal.close(digest: 1, timestamp: 1)
    #expect(journal.durableBlockNumber == 1 && journal.needsClosingBlock)
  }

  /// Blocks that wait when the writer is stopped will never be durable; where none waits, all are.
  @Test func whatIsStoppedIsNotWaitedFor() throws {
    var generator = SeededGenerator(seed: 18)
    let bench = try JournalBench()
    bench.commit(records: 1, using: &generator)
    bench.append(records: 1, using: &generator)
    bench.journal.writer.stop()
    #expect(bench.journal.writer.drain())
    bench.submit()
    #expect(!bench.journal.writer.drain())
  }

  @Test func closingTwiceIsClosingOnce() throws {
    let bench = try JournalBench()
    bench.close()
    bench.close()
    #expect(bench.journal.durableBlockNumber == 0)
  }
}
