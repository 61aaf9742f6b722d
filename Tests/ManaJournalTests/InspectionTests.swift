import SystemPackage
import Testing

@testable import ManaJournal

/// What the tools see: what a start would decide, and more of it, without changing a byte.
@Suite struct InspectionTests {
  private func inspect(_ storage: SimulatedStorage) throws -> ShardInspection {
    var fold = Fold()
    return try LedgerFiles(storage: storage, .withoutServer).inspect(shard: 0) { block in
      fold.apply(block.body)
      return fold.digest
    }
  }

  @Test func aSoundJournal() throws {
    var generator = SeededGenerator(seed: 71)
    let bench = try JournalBench()
    for records in [600, 3, 500, 7] { bench.commit(records: records, using: &generator) }
    bench.prepare()
    bench.writeClosingBlock()
    let count = bench.storage.operationCount
    let inspection = try inspect(bench.storage)
    #expect(inspection.damage == nil && inspection.tornTail == nil && inspection.unreadable.isEmpty)
    #expect(inspection.blocks == 5 && inspection.records == 1110 && inspection.segments == 3)
    #expect(inspection.lastDigest == bench.fold.digest && !inspection.endsWithRecords)
    #expect(bench.storage.operationCount == count, "an inspection changed the disk")
  }

  /// The cases that a start is tested with: the same block, file and byte, and the disk as it was.
  @Test(arguments: DamageTests.cases) func damage(_ damage: DamageTests.Case) throws {
    let storage = try DamageTests.makeStorage()
    damage.damage(storage)
    let before = storage.paths.map { storage.contents(of: $0) }
    let inspection = try inspect(storage)
    guard case .damaged(let found) = inspection.damage else {
      Issue.record("found \(String(describing: inspection.damage))")
      return
    }
    #expect(found.file == "/data/" + Segment.path(shard: 0, segment: damage.segment))
    #expect(found.block == damage.block || damage.name.contains("cut short") || damage.name.contains("too long"))
    #expect(inspection.blocks == found.block - 1)
    #expect(storage.paths.map { storage.contents(of: $0) } == before)
  }

  @Test func aTornTailIsNoDamage() throws {
    let journal = try FrozenJournal.filled(isClosed: false, seed: 73)
    let last = journal.blocks.last!.bytes
    journal.storage.flip(FrozenJournal.path(0), bit: (last.lowerBound + 170) * 8)
    let inspection = try inspect(journal.storage)
    #expect(inspection.damage == nil && inspection.blocks == 14)
    #expect(inspection.tornTail?.block == 15 && inspection.tornTail?.byte == last.lowerBound)
    #expect(inspection.end.byte == last.lowerBound)
  }

  /// A sector that the disk does not give back is damage wherever it is, and named; the blocks before it are kept.
  @Test(arguments: [0, 20, 60, 115, 127]) func anUnreadableSector(sector: Int) throws {
    let journal = try FrozenJournal.filled(isClosed: true, seed: 79)
    journal.storage.unreadable[FrozenJournal.path(0)] = [sector]
    let inspection = try inspect(journal.storage)
    #expect(inspection.unreadable.map(\.byte) == [sector * 512])
    guard case .damaged(let damage) = inspection.damage else {
      Issue.record("sector \(sector): \(String(describing: inspection.damage))")
      return
    }
    let whole = journal.blocks.prefix { $0.bytes.upperBound <= sector * 512 }.count
    #expect(inspection.blocks == UInt64(whole) && damage.block == UInt64(whole + 1))
  }

  /// What the disk refuses, but for a sector that it does not give back, ends an inspection with that reason.
  @Test func whatTheDiskRefusesIsToldOf() throws {
    let storage = try DamageTests.makeStorage()
    var operations: Set<String> = []
    for operation in 1... {
      storage.failure = .init(
        operation: storage.operationCount + operation, isLasting: false, code: .permissionDenied, countsReads: true)
      let fired = storage.firedCount
      do {
        let inspection = try inspect(storage)
        #expect(inspection.damage == nil && storage.firedCount == fired, "operation \(operation)")
        break
      } catch JournalError.system(let operation, _, let code) {
        #expect(code == .permissionDenied)
        operations.insert(operation)
      }
    }
    #expect(operations == ["list", "open", "measure", "read", "map"])
  }

  @Test func whatIsNoLedgerIsNamed() throws {
    #expect(throws: JournalError.noLedger(directory: "/data/")) {
      _ = try LedgerFiles(storage: SimulatedStorage(), .withoutServer)
    }
  }

  // MARK: The walk

  @Test func aWalkShowsEachBlock() throws {
    let storage = try DamageTests.makeStorage()
    let files = try LedgerFiles(storage: storage, .besideServer)
    var numbers: [UInt64] = []
    try files.walk(shard: 0) { step in
      guard case .block(let block) = step else { return true }
      #expect(block.doubt == nil && block.isWhole && block.isOurs)
      numbers.append(block.number)
      return true
    }
    #expect(numbers == Array(1...11))
  }

  @Test(arguments: [(1, 1), (3, 3), (7, 7), (8, 8), (9, 8), (11, 11), (12, 11)] as [(UInt64, UInt64)])
  func aWalkBegins(at block: UInt64, atTheLatest latest: UInt64) throws {
    let files = try LedgerFiles(storage: try DamageTests.makeStorage(), .besideServer)
    var first: UInt64?
    try files.walk(shard: 0, from: .block(block)) { step in
      if case .block(let found) = step { first = found.number }
      return false
    }
    #expect(first.map { $0 <= latest } == true, "\(String(describing: first))")
  }

  @Test func aWalkGoesOnBehindDamage() throws {
    let storage = try DamageTests.makeStorage()
    storage.flip(FrozenJournal.path(0), bit: (512 + 200) * 8)
    storage.edit(FrozenJournal.path(0)) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[1536..<2048])) }
    storage.edit(FrozenJournal.path(0)) { bytes in for byte in 2048..<2056 { bytes[byte] ^= 0xFF } }
    var seen: [String] = []
    try LedgerFiles(storage: storage, .besideServer).walk(shard: 0) { step in
      switch step {
      case .block(let block):
        seen.append("\(block.number)\(block.isWhole ? "" : " broken")\(block.doubt == nil ? "" : "?")")
      case .unknown(let place, let byteCount): seen.append("unknown \(place.byte)+\(byteCount)")
      }
      return true
    }
    #expect(seen == ["1", "2 broken?", "3?", "unknown 2048+512", "6?", "7", "8", "9", "10", "11"])
  }
}
