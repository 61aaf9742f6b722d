import SystemPackage
import Testing

@testable import ManaJournal

/// Damage to what was acknowledged: the start is refused, the message names the place, the disk stays as it is.
@Suite struct DamageTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let block: UInt64
    let segment: UInt32
    let byte: Int
    let reason: String
    let damage: @Sendable (SimulatedStorage) -> Void
    var testDescription: String { name }

    init(
      _ name: String, block: UInt64, segment: UInt32 = 0, byte: Int, reason: String,
      _ damage: @escaping @Sendable (SimulatedStorage) -> Void
    ) {
      self.name = name
      self.block = block
      self.segment = segment
      self.byte = byte
      self.reason = reason
      self.damage = damage
    }
  }

  private static func path(_ segment: UInt32) -> String { Segment.path(shard: 0, segment: segment) }

  private static func edit(
    _ segment: UInt32, _ body: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) -> @Sendable (SimulatedStorage) -> Void {
    { $0.edit(path(segment), body) }
  }

  /// Blocks 1 to 6 at bytes 0, 512, … of segment 0, block 7 fills it nearly, 8 and 9 are in segment 1, 10 fills that,
  /// 11 is in segment 2; segment 3 is the spare.
  static func makeStorage() throws -> SimulatedStorage {
    var generator = SeededGenerator(seed: 43)
    let bench = try JournalBench()
    for records in [1, 2, 3, 1, 2, 3, 600, 100, 1, 565, 1] { bench.commit(records: records, using: &generator) }
    bench.prepare()
    precondition(bench.journal.open.segment == 2 && bench.journal.durableBlockNumber == 11)
    return bench.storage
  }

  static let cases: [Case] = [
    Case("a header erased", block: 3, byte: 1024, reason: "no block header", edit(0) { zero($0, 1024..<1536) }),
    Case("a record changed", block: 2, byte: 512, reason: "hash", edit(0) { $0[512 + 200] ^= 4 }),
    Case("padding changed", block: 1, byte: 0, reason: "hash", edit(0) { $0[511] = 1 }),
    Case(
      "the last block of a segment erased", block: 7, byte: 3072, reason: "block 8 was found at byte 0 of segment 1",
      edit(0) { zero($0, 3072..<65536) }),
    Case("bytes behind the last block of a segment", block: 8, byte: 60928, reason: "found", edit(0) { $0[65535] = 1 }),
    Case(
      "the first block of a segment", block: 8, segment: 1, byte: 0, reason: "block 9", edit(1) { $0[8] ^= 1 }),
    Case(
      "the last block written into the body of the one before it", block: 10, segment: 1, byte: 10752,
      reason: "block 11 was found at byte 20480 of segment 1"
    ) { storage in
      let last = storage.contents(of: path(2))[..<512]
      storage.edit(path(1)) { UnsafeMutableRawBufferPointer(rebasing: $0[20480..<20992]).copyBytes(from: last) }
      storage.edit(path(2)) { zero($0, 0..<512) }
    },
    Case(
      "two blocks swapped", block: 2, byte: 512, reason: "block 3 stands there",
      edit(0) { bytes in for index in 512..<1024 { bytes.swapAt(index, index + 512) } }),
    Case(
      "a block copied over the next", block: 2, byte: 512, reason: "a copy of block 1", edit(0) { copy($0, 0, 512) }),
    Case("a segment missing", block: 8, segment: 1, byte: 0, reason: "the file is missing") { $0.erase(path(1)) },
    Case("the first segment missing", block: 1, byte: 0, reason: "the file is missing") { $0.erase(path(0)) },
    Case("all segments missing", block: 1, byte: 0, reason: "the file is missing") { storage in
      for segment in UInt32(0)...3 { storage.erase(path(segment)) }
    },
    Case("two segments exchanged", block: 1, byte: 0, reason: "block 8 stands there") { storage in
      let (first, second) = (storage.contents(of: path(0)), storage.contents(of: path(1)))
      storage.add(path(0), second)
      storage.add(path(1), first)
    },
    Case("a segment cut short", block: 8, segment: 1, byte: 4096, reason: "4096 bytes instead of 65536") { storage in
      storage.add(path(1), Array(storage.contents(of: path(1)).prefix(4096)))
    },
    Case("a segment too long", block: 8, segment: 1, byte: 65536, reason: "66048 bytes") { storage in
      storage.add(path(1), storage.contents(of: path(1)) + [UInt8](repeating: 0, count: 512))
    },
    Case(
      "another ledger's block", block: 11, segment: 2, byte: 0, reason: "another ledger",
      edit(2) { rewrite($0, 0) { $0.ledgerID ^= 1 } }),
    Case(
      "another shard's block", block: 11, segment: 2, byte: 0, reason: "belongs to shard 3",
      edit(2) { rewrite($0, 0) { $0.shard = 3 } }),
    Case(
      "another shard count", block: 11, segment: 2, byte: 0, reason: "a ledger of 2 shards",
      edit(2) { rewrite($0, 0) { $0.shardCount = 2 } }),
    Case(
      "a chain that does not fit", block: 11, segment: 2, byte: 0, reason: "follows another block 10",
      edit(2) { rewrite($0, 0) { $0.previousHash.high ^= 1 } }),
    Case(
      "a misplaced last block", block: 11, segment: 2, byte: 0, reason: "belongs at byte 512 of segment 2",
      edit(2) { rewrite($0, 0) { $0.offset = 512 } }),
    Case(
      "an impossible length", block: 11, segment: 2, byte: 0, reason: "no block is 70000 bytes long",
      edit(2) { rewrite($0, 0) { $0.byteLength = 70000 } }),
    Case(
      "an impossible count", block: 11, segment: 2, byte: 0, reason: "96 bytes are not 4 records",
      edit(2) { rewrite($0, 0) { $0.recordCount = 4 } }),
    Case(
      "a wrong first position", block: 11, segment: 2, byte: 0, reason: "first position",
      edit(2) { rewrite($0, 0) { $0.firstPosition += 1 } }),
    Case(
      "a block that names itself durable", block: 11, segment: 2, byte: 0, reason: "block 11 is named durable",
      edit(2) { rewrite($0, 0) { $0.durableNumber = 11 } }),
    Case(
      "unknown flags", block: 11, segment: 2, byte: 0, reason: "unknown flags 1",
      edit(2) { rewrite($0, 0) { $0.flags = 1 } }),
    Case("a term that goes back", block: 11, segment: 2, byte: 0, reason: "the term goes back from 1 to 0") { storage in
      var hash = Hash128()
      storage.edit(path(1)) { bytes in
        rewrite(bytes, 10752) { $0.term = 1 }
        hash = BlockHeader.hash(at: bytes.baseAddress! + 10752)
      }
      storage.edit(path(2)) { rewrite($0, 0) { $0.previousHash = hash } }
    },
    Case("a block a segment too late", block: 11, segment: 3, byte: 0, reason: "a segment too late") { storage in
      let last = storage.contents(of: path(2))[..<512]
      storage.edit(path(2)) { zero($0, 0..<512) }
      storage.edit(path(3)) { bytes in
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<512]).copyBytes(from: last)
        rewrite(bytes, 0) { $0.segment = 3 }
      }
    },
  ]

  private static func zero(_ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
    System.zero(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
  }

  private static func copy(_ bytes: UnsafeMutableRawBufferPointer, _ source: Int, _ target: Int) {
    bytes[target..<target + 512].copyBytes(from: Array(bytes[source..<source + 512]))
  }

  /// Changes fields of a header and gives it the checksum that fits: not a flipped bit, but another writer.
  private static func rewrite(
    _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int, _ change: (inout BlockHeader) -> Void
  ) {
    var header = BlockHeader(at: bytes.baseAddress! + offset)!
    change(&header)
    _ = header.encode(into: bytes.baseAddress! + offset)
  }

  @Test(arguments: cases)
  func refused(damage: Case) throws {
    let storage = try Self.makeStorage()
    damage.damage(storage)
    let before = storage.paths.map { storage.contents(of: $0) }
    do {
      let reading = try JournalBench.read(storage)
      Issue.record("opened with \(reading.bodies.count) blocks")
    } catch JournalError.damaged(let found) {
      #expect(found.block == damage.block)
      #expect(found.byte == damage.byte)
      #expect(found.file == "/data/" + Self.path(damage.segment))
      #expect(found.reason.contains(damage.reason), "\(found.reason)")
      let text = "\(JournalError.damaged(found))"
      #expect(text.contains("0\(damage.segment).segment, block \(damage.block), byte \(damage.byte):"), "\(text)")
    }
    #expect(storage.paths.map { storage.contents(of: $0) } == before, "the disk was changed")
  }

  /// The next start would have to begin an epoch that no number is left for: neither behind a whole block of the last
  /// epoch, nor behind a torn one, of which only the header says so.
  @Test(arguments: [false, true])
  func theLastEpochIsNamed(isTorn: Bool) throws {
    let storage = try Self.makeStorage()
    storage.edit(Self.path(2)) { bytes in
      Self.rewrite(bytes, 0) { $0.epoch = .max }
      if isTorn { bytes[JournalLimits.blockHeaderBytes] ^= 1 }
    }
    let before = storage.paths.map { storage.contents(of: $0) }
    #expect(throws: JournalError.epochsExhausted(directory: "/data/shard-000")) { try JournalBench.read(storage) }
    #expect(storage.paths.map { storage.contents(of: $0) } == before, "the disk was changed")
    storage.edit(Self.path(2)) { bytes in Self.rewrite(bytes, 0) { $0.epoch = .max - 1 } }
    #expect(try JournalBench.read(storage).bodies.count == (isTorn ? 10 : 11))
  }

  @Test func aNewerFormatIsNamed() throws {
    let storage = try Self.makeStorage()
    storage.edit(Self.path(0)) { Self.rewrite($0, 0) { $0.formatVersion = 2 } }
    #expect(throws: JournalError.unsupportedVersion(file: "/data/" + Self.path(0), found: 2, supported: 1)) {
      try JournalBench.read(storage)
    }
  }

  @Test func aMissingShardIsNamed() throws {
    let storage = try Self.makeStorage()
    storage.eraseDirectory("shard-000")
    #expect(throws: JournalError.shardMissing(directory: "/data/shard-000")) { try JournalBench.read(storage) }
  }

  /// The journal is whole, but executing it gives another state.
  @Test func aWrongDigestIsNamed() throws {
    let storage = try Self.makeStorage()
    let recorded = try JournalBench.read(storage).bodies[3].digest
    let directory = try DataDirectory(storage: storage, creatingWith: CreationOptions())
    var fold = Fold()
    let expected = JournalError.digestMismatch(
      file: "/data/" + Self.path(0), block: 4, byte: 1536, recorded: recorded, computed: 7)
    #expect(throws: expected) {
      _ = try directory.recoverJournal(shard: 0, onDurable: {}, onFailure: { _ in }) { block in
        fold.apply(block.body)
        return block.number == 4 ? 7 : fold.digest
      }
    }
  }

  @Test func whatReplayThrowsIsPassedOn() throws {
    let directory = try DataDirectory(storage: try Self.makeStorage(), creatingWith: CreationOptions())
    #expect(throws: JournalError.replayRefused(block: 1, reason: "no")) {
      _ = try directory.recoverJournal(shard: 0, onDurable: {}, onFailure: { _ in }) { block throws(JournalError) in
        throw .replayRefused(block: block.number, reason: "no")
      }
    }
  }
}
