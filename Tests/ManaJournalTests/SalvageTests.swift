import SystemPackage
import Testing

@testable import ManaJournal

@Suite struct SalvageTests {
  private static func inspect(_ files: LedgerFiles) throws -> ShardInspection {
    var fold = Fold()
    return try files.inspect(shard: 0) { block in
      fold.apply(block.body)
      return fold.digest
    }
  }

  /// Verifies and cuts, as the tool does. How many blocks are left.
  @discardableResult
  private static func salvage(_ storage: SimulatedStorage) throws -> UInt64 {
    let files = try LedgerFiles(storage: storage, .alone)
    let inspection = try inspect(files)
    if inspection.damage != nil {
      let originals = try files.nameForOriginals(at: 1_800_000_000)
      try files.cut(shard: 0, at: inspection.end, originals: originals)
    }
    return inspection.blocks
  }

  /// Every file's bytes that were there before are there still, under some name.
  private static func keeps(_ storage: SimulatedStorage, _ originals: [[UInt8]]) -> Bool {
    let all = storage.paths.map { storage.contents(of: $0) }
    return originals.allSatisfy { all.contains($0) }
  }

  /// The cases that a start refuses: after the cut it does not, what was whole before the damage is there, and what
  /// stood behind it is set aside.
  @Test(arguments: DamageTests.cases) func afterACutTheJournalGoesOn(_ damage: DamageTests.Case) throws {
    let storage = try DamageTests.makeStorage()
    let bodies = try JournalBench.read(storage).bodies
    damage.damage(storage)
    let originals = storage.paths.map { storage.contents(of: $0) }
    let blocks = try Self.salvage(storage)
    #expect(Self.keeps(storage, originals), "an original is gone")
    let isAside = storage.paths.contains { $0.hasPrefix("salvaged-2027-01-15T08-00-00Z/shard-000/") }
    #expect(isAside || damage.name == "all segments missing")
    let bench = try JournalBench(storage)
    #expect(bench.bodies == Array(bodies.prefix(Int(blocks))))
    var generator = SeededGenerator(seed: 83)
    bench.commit(records: 5, using: &generator)
    #expect(try JournalBench.read(storage).bodies == bench.bodies)
  }

  @Test func whatIsSoundStaysAsItIs() throws {
    let storage = try DamageTests.makeStorage()
    let before = storage.paths.map { storage.contents(of: $0) }
    #expect(try Self.salvage(storage) == 11)
    #expect(storage.paths.map { storage.contents(of: $0) } == before)
  }

  /// Of a disk that cannot be read in places, the good beginning is kept, and the bad file set aside as it is.
  @Test func anUnreadableSectorIsSetAside() throws {
    let storage = try DamageTests.makeStorage()
    storage.unreadable[FrozenJournal.path(0)] = [4, 5]
    #expect(try Self.salvage(storage) == 4)
    storage.unreadable = [:]
    #expect(try JournalBench.read(storage).bodies.count == 4)
  }

  /// What is missing as a whole is made anew, empty.
  @Test func aMissingShardIsMadeAnew() throws {
    let storage = try DamageTests.makeStorage()
    storage.eraseDirectory("shard-000")
    #expect(try Self.salvage(storage) == 0)
    #expect(try JournalBench.read(storage).bodies.isEmpty)
  }

  /// Every step of a salvage fails, and the power goes: nothing that was set aside or whole is lost, and running it
  /// again finishes it.
  @Test(arguments: ["a header erased", "the first block of a segment", "a segment missing", "a segment cut short"])
  func everyStepFails(name: String) throws {
    let damage = try #require(DamageTests.cases.first { $0.name == name })
    let whole = try JournalBench.read(try DamageTests.makeStorage()).bodies
    var operation = 0
    while true {
      operation += 1
      let storage = try DamageTests.makeStorage()
      damage.damage(storage)
      let originals = storage.paths.map { storage.contents(of: $0) }
      storage.failure = .init(operation: storage.operationCount + operation, isLasting: true, code: .ioError)
      var blocks: UInt64?
      do {
        blocks = try Self.salvage(storage)
      } catch JournalError.system {
      }
      guard storage.firedCount > 0 else { break }
      #expect(blocks == nil, "operation \(operation): a failure was not told of")
      for keepsNames in [true, false] {
        let crashed = storage.crashed(keepsNames: keepsNames) { _, _ in false }
        let left = try Self.salvage(crashed)
        #expect(Self.keeps(crashed, originals), "operation \(operation): an original is gone")
        let reading = try JournalBench.read(crashed)
        #expect(reading.bodies == Array(whole.prefix(Int(left))), "operation \(operation)")
        #expect(left == (try Self.blocksKept(damage)), "operation \(operation): more was cut than the damage asks for")
      }
    }
    #expect(operation > 8, "it has fewer steps than it must have")
  }

  private static func blocksKept(_ damage: DamageTests.Case) throws -> UInt64 {
    let storage = try DamageTests.makeStorage()
    damage.damage(storage)
    return try salvage(storage)
  }
}
