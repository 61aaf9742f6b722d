import SystemPackage
import Testing

@testable import ManaJournal

/// Starts behind a checkpoint give what starts without one do, whatever is wrong with the checkpoint.
@Suite struct CheckpointTests {
  static let segmentBytes = 64 << 10

  static func checkpoints(of storage: SimulatedStorage) -> [String] {
    storage.paths.filter { $0.hasSuffix(CheckpointFiles.suffix) }
  }

  /// A journal of some segments, in whose middle checkpoints were made.
  static func life(
    folds: Int = 2, closes: Bool, written: ([RetentionTests.Written]) -> Void = { _ in }
  ) throws -> JournalBench {
    let bench = try JournalBench()
    for fold in 0..<folds {
      written(RetentionTests.write(bench, blocks: 50, seed: 100 + UInt64(fold)))
      #expect(try bench.foldCheckpoint() != nil)
    }
    _ = RetentionTests.write(bench, blocks: 15, seed: 99)
    if closes { #expect(try bench.closeWithCheckpoint()?.block == UInt64(bench.bodies.count)) }
    return bench
  }

  @Test(arguments: [nil, 0, 1, 2, 5], [false, true])
  func aStartBehindItIsTheSame(resident: Int?, closes: Bool) throws {
    var records: [RetentionTests.Written] = []
    let bench = try Self.life(closes: closes) { records += $0 }
    let memory = resident.map { $0 * Self.segmentBytes }
    let without = try JournalBench(bench.storage.copied(), residentBytesMax: memory)
    let with = try JournalBench(bench.storage.copied(), residentBytesMax: memory, usesCheckpoints: true)
    #expect(with.fold == without.fold && with.bodies == without.bodies && with.bodies == bench.bodies)
    #expect(with.journal.position == without.journal.position)
    #expect(with.journal.durableBlockNumber == without.journal.durableBlockNumber)
    let (recovery, whole) = (with.journal.statistics.recovery, without.journal.statistics.recovery)
    #expect(recovery.records == whole.records && recovery.problems.isEmpty)
    #expect(closes ? recovery.executedRecords == 0 : recovery.executedRecords < whole.executedRecords / 2)
    #expect(recovery.checkpointBlock > 0 && whole.checkpointBlock == 0)
    #expect(resident == nil ? recovery.bytes == whole.bytes : recovery.bytes < whole.bytes)
    #expect(with.journal.statistics.segments == without.journal.statistics.segments)
    // They go on alike, and what was not read finds its records.
    for bench in [with, without] { _ = RetentionTests.write(bench, blocks: 20, seed: 7) }
    #expect(with.bodies == without.bodies)
    guard let archive = with.journal.archive else { return }
    archive.readsAtOnce = true
    for record in records where with.journal.segments.bases[RetentionTests.segment(of: record.position)] == nil {
      #expect(archive.pointer(at: record.position).map(RetentionTests.bytes) == record.bytes)
    }
  }

  @Test func oneIsMadeOfTheOneBefore() throws {
    let bench = try Self.life(folds: 5, closes: false)
    #expect(Self.checkpoints(of: bench.storage).count == CheckpointFiles.kept)
    _ = try bench.foldCheckpoint()
    #expect(try bench.foldCheckpoint() == nil, "nothing was closed since")
    #expect(Self.checkpoints(of: bench.storage).count == CheckpointFiles.kept)
    let open = try JournalBench(bench.storage.copied(), usesCheckpoints: true)
    #expect(open.bodies == bench.bodies)
    #expect(try open.closeWithCheckpoint()?.block == UInt64(open.bodies.count))
    let again = try JournalBench(open.storage.copied(), residentBytesMax: 0, usesCheckpoints: true)
    #expect(again.bodies == open.bodies && again.journal.statistics.recovery.executedRecords == 0)
    _ = RetentionTests.write(again, blocks: 60, seed: 5)
    #expect(try again.foldCheckpoint() != nil)
    #expect(try JournalBench(again.storage.copied(), usesCheckpoints: true).bodies == again.bodies)
  }

  private static func source(_ storage: SimulatedStorage, _ path: String) throws -> CheckpointSource {
    let identity = try DataDirectory(storage: storage, creatingWith: CreationOptions()).identity
    return try CheckpointSource(path: path, journal: identity.journal(shard: 0), in: storage)
  }

  private static func isBelieved(_ storage: SimulatedStorage, _ path: String) -> Bool {
    do {
      try source(storage, path).skipToEnd()
      return true
    } catch {
      return false
    }
  }

  /// Any bit of it, any length: it is passed over, and the one before it serves.
  @Test func everyBitAndEveryLengthIsNoticed() throws {
    let bench = try Self.life(closes: true)
    let newest = try #require(Self.checkpoints(of: bench.storage).last)
    let storage = bench.storage
    #expect(Self.isBelieved(storage, newest))
    let bytes = storage.contents(of: newest)
    var believed = 0
    for bit in 0..<bytes.count * 8 {
      storage.flip(newest, bit: bit)
      if Self.isBelieved(storage, newest) { believed += 1 }
      storage.flip(newest, bit: bit)
    }
    for count in stride(from: 0, to: bytes.count + 1024, by: 1) where count != bytes.count {
      storage.erase(newest)
      storage.add(newest, Array((bytes + [UInt8](repeating: 0, count: 1024)).prefix(count)))
      if Self.isBelieved(storage, newest) { believed += 1 }
    }
    #expect(believed == 0)
    for damage in 0..<40 {
      storage.erase(newest)
      storage.add(newest, bytes)
      storage.flip(newest, bit: damage * (bytes.count * 8 / 40) + damage)
      let start = try JournalBench(storage.copied(), residentBytesMax: 0, usesCheckpoints: true)
      let recovery = start.journal.statistics.recovery
      #expect(start.bodies == bench.bodies && recovery.problems.map(\.file) == ["/data/" + newest])
      #expect(recovery.checkpointBlock > 0 && recovery.executedRecords > 0)
    }
    storage.erase(newest)
    storage.erase(Self.checkpoints(of: storage)[0])
    #expect(try JournalBench(storage, usesCheckpoints: true).bodies == bench.bodies, "without any")
  }

  /// A head that says something else under a checksum that is right.
  @Test(
    arguments: [
      ("version", 4, 2, "format version 2"), ("ledger", 16, 1, "another ledger"), ("shard", 32, 1, "another ledger"),
      ("shards", 34, 2, "another ledger"), ("segment length", 36, 1 << 17, "another ledger"),
      ("segment", 40, 1 << 30, "no block there can be"), ("end", 44, 513, "no block there can be"),
      ("end beyond", 44, 128 << 10, "no block there can be"), ("block 0", 48, 0, "no block there can be"),
      ("position 0", 72, 0, "no block there can be"), ("digest", 80, 7, "does not have its digest"),
      ("content", 96, 9, "bytes instead of"), ("root", 104, 1, "not those that were written"),
      ("reserved", 200, 1, "no block there can be"),
    ] as [(String, Int, UInt32, String)])
  func aHeadThatCannotBeIsNot(name: String, offset: Int, value: UInt32, reason: String) throws {
    let bench = try Self.life(folds: 1, closes: false)
    let path = try #require(Self.checkpoints(of: bench.storage).last)
    bench.storage.edit(path) { bytes in
      let base = bytes.baseAddress!
      base.storeLittle(value, at: offset)
      if name == "block 0" || name == "position 0" { base.storeLittle(UInt32(0), at: offset + 4) }
      base.storeLittle(BlockHeader.crc(base + 4, CheckpointHead.bytes - 4), at: 0)
    }
    let start = try JournalBench(bench.storage, usesCheckpoints: true)
    #expect(start.bodies == bench.bodies)
    let problem = try #require(start.journal.statistics.recovery.problems.first)
    #expect(problem.reason.contains(reason), "\(problem)")
  }

  /// The Nth operation fails: the journal is what it was, and the next attempt succeeds.
  @Test(arguments: [Errno.ioError.rawValue, Errno.noSpace.rawValue], [false, true])
  func everyOperationFails(code: Int32, countsReads: Bool) throws {
    for operation in 1... {
      let bench = try Self.life(folds: 1, closes: false)
      let storage = bench.storage
      _ = RetentionTests.write(bench, blocks: 30, seed: 3)
      storage.failure = .init(
        operation: storage.operationCount + operation, isLasting: false, code: Errno(rawValue: code),
        countsReads: countsReads)
      let fired = storage.firedCount
      do {
        _ = try bench.foldCheckpoint()
      } catch {
        #expect(storage.firedCount > fired, "operation \(operation)")
      }
      storage.failure = nil
      #expect(bench.failures.all.isEmpty)
      for keepsNames in [true, false] {
        let crashed = storage.crashed(keepsNames: keepsNames) { _, _ in false }
        let start = try JournalBench(crashed, residentBytesMax: 0, usesCheckpoints: true)
        #expect(start.bodies == bench.bodies, "operation \(operation)")
        #expect(!crashed.paths.contains { $0.hasSuffix(CheckpointFiles.temporarySuffix) })
      }
      guard storage.firedCount > fired else {
        #expect(operation > 6)
        return
      }
      _ = RetentionTests.write(bench, blocks: 30, seed: 4)
      #expect(try bench.foldCheckpoint() != nil, "operation \(operation)")
    }
  }

  @Test func nobodyWaitsForOneThatIsNotWanted() throws {
    let bench = try Self.life(folds: 1, closes: false)
    _ = RetentionTests.write(bench, blocks: 30, seed: 3)
    let before = Self.checkpoints(of: bench.storage)
    // Asked so often it is cancelled: until it is made before anybody asks once more.
    for questions in 0... {
      var asked = 0
      do throws(JournalError) {
        try bench.foldCheckpoint(isCancelled: {
          asked += 1
          return asked > questions
        })
        #expect(asked == questions && questions > 4)
        break
      } catch {
        #expect(error.isCancellation, "\(error)")
        #expect(asked <= questions + 2, "it went on")
        #expect(Self.checkpoints(of: bench.storage) == before)
      }
    }
    #expect(Self.checkpoints(of: bench.storage) != before)
  }

  /// The disk gives something else back than was written: no checkpoint comes of it, and the next attempt makes one.
  @Test(arguments: [("a piece", 600, "does not have its hash"), ("the head", 88, "its head is another one")])
  func aDiskThatGivesSomethingElseBack(what: String, offset: Int, reason: String) throws {
    let bench = try Self.life(folds: 1, closes: false)
    let storage = bench.storage
    _ = RetentionTests.write(bench, blocks: 30, seed: 3)
    let before = Self.checkpoints(of: storage)
    storage.onRead = {
      guard let path = storage.paths.first(where: { $0.hasSuffix(CheckpointFiles.temporarySuffix) }) else { return }
      storage.onRead = nil
      storage.edit(path) { bytes in
        bytes[offset] ^= 1
        let base = bytes.baseAddress!
        base.storeLittle(BlockHeader.crc(base + 4, CheckpointHead.bytes - 4), at: 0)
      }
    }
    #expect {
      try bench.foldCheckpoint()
    } throws: { error in
      guard case JournalError.checkpointNotWritten(let file, let found) = error else { return false }
      return file.hasSuffix(CheckpointFiles.temporarySuffix) && found.contains(reason)
    }
    #expect(Self.checkpoints(of: storage) == before)
    #expect(!storage.paths.contains { $0.hasSuffix(CheckpointFiles.temporarySuffix) })
    #expect(try bench.foldCheckpoint() != nil)
  }

  /// From the first write of a checkpoint on the disk fails: what cannot be removed is in nobody's way.
  @Test func whatCannotBeRemovedIsInNobodysWay() throws {
    let bench = try Self.life(folds: 1, closes: false)
    let storage = bench.storage
    _ = RetentionTests.write(bench, blocks: 30, seed: 3)
    // Removing what may be left is the first operation, and making the file the second.
    storage.failure = .init(operation: storage.operationCount + 3, isLasting: true, code: .ioError)
    #expect {
      try bench.foldCheckpoint()
    } throws: { error in
      guard case JournalError.system(operation: "write", _, .ioError) = error else { return false }
      return true
    }
    storage.failure = nil
    #expect(storage.paths.contains { $0.hasSuffix(CheckpointFiles.temporarySuffix) })
    #expect(try JournalBench(storage.copied(), usesCheckpoints: true).bodies == bench.bodies)
    #expect(try bench.foldCheckpoint() != nil)
    #expect(!storage.paths.contains { $0.hasSuffix(CheckpointFiles.temporarySuffix) })
  }

  /// A checkpoint reads what a start would: the last block of a closed segment is damaged, and nothing behind it in that
  /// segment says that it had been durable. But it had, or nothing would stand in the next one.
  @Test func damageIsFoundOnTheWay() throws {
    let bench = try Self.life(folds: 1, closes: false)
    _ = RetentionTests.write(bench, blocks: 40, seed: 3)
    let number = bench.journal.firstOpenSegment - 1
    let path = Segment.path(shard: 0, segment: number)
    let last = try #require(
      stride(from: Self.segmentBytes - 512, through: 0, by: -512).first { offset in
        bench.storage.contents(of: path).withUnsafeBytes { BlockHeader(at: $0.baseAddress! + offset) != nil }
      })
    bench.storage.flip(path, bit: (last + 200) * 8)
    #expect {
      try bench.foldCheckpoint()
    } throws: { error in
      guard case JournalError.damaged(let damage) = error else { return false }
      return damage.file == "/data/" + path && damage.byte == last
        && damage.reason == "the body does not have its hash, and it was durable"
    }
  }

  enum Contradiction: CaseIterable {
    case lastSegmentGone, blockErased, blockOfAnotherLife, unreadSegmentGone, unreadSegmentsGone, unreadSegmentShort
    case residentBlockDamaged, firstResidentBlockErased
  }

  /// A checkpoint is made of what was durable: a journal that does not have it has lost something.
  @Test(arguments: Contradiction.allCases)
  func aJournalThatHasLessIsRefused(_ contradiction: Contradiction) throws {
    let bench = try Self.life(closes: true)
    let storage = bench.storage
    let segments = storage.paths.filter { $0.hasSuffix(Segment.suffix) }
    let head = try Self.source(storage, #require(Self.checkpoints(of: storage).last)).head
    let last = segments[Int(head.resume.segment)]
    switch contradiction {
    case .lastSegmentGone: for path in segments[Int(head.resume.segment)...] { storage.erase(path) }
    case .blockErased:
      storage.edit(last) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[(head.resume.offset - 512)...])) }
    case .blockOfAnotherLife:
      // The same blocks, of which the last one was written again by a later start.
      storage.edit(last) { bytes in
        let base = bytes.baseAddress! + head.resume.offset - 512
        base.storeLittle(UInt32(9), at: 36)
        base.storeLittle(BlockHeader.crc(base + 4, JournalLimits.blockHeaderBytes - 4), at: 0)
      }
    case .unreadSegmentGone: storage.erase(segments[1])
    case .unreadSegmentsGone: for path in segments[1...] { storage.erase(path) }
    case .unreadSegmentShort:
      let bytes = storage.contents(of: segments[1])
      storage.erase(segments[1])
      storage.add(segments[1], Array(bytes.dropLast(512)))
    case .residentBlockDamaged: storage.flip(last, bit: 8 * 700)
    case .firstResidentBlockErased:
      storage.edit(last) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[..<512])) }
    }
    do {
      _ = try JournalBench(storage, residentBytesMax: 0, usesCheckpoints: true)
      Issue.record("started")
    } catch JournalError.damaged(let damage) {
      let reasons: [Contradiction: String] = [
        .lastSegmentGone: "the checkpoint /data/", .blockErased: "the checkpoint /data/",
        .blockOfAnotherLife: "another block", .unreadSegmentShort: "bytes instead of", .residentBlockDamaged: "",
        .unreadSegmentGone: "the file is missing, and the checkpoint /data/",
        .unreadSegmentsGone: "the file is missing, and the checkpoint /data/",
        .firstResidentBlockErased: "no block header there, and block",
      ]
      #expect(damage.reason.contains(try #require(reasons[contradiction])), "\(damage)")
    }
  }
}
