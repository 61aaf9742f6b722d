import SystemPackage
import Testing

@testable import ManaJournal

/// What the tools say of checkpoints, and what a checkpoint says of the journal.
@Suite struct CheckpointInspectionTests {
  private static func inspect(_ storage: SimulatedStorage) throws -> [CheckpointInspection] {
    let state = BenchState()
    return try LedgerFiles(storage: storage, .withoutServer).inspectCheckpoints(shard: 0, restore: state.restore)
  }

  @Test func eachIsReadNewestFirst() throws {
    let bench = try CheckpointTests.life(closes: true)
    let paths = CheckpointTests.checkpoints(of: bench.storage)
    let found = try Self.inspect(bench.storage)
    #expect(found.map(\.file) == paths.reversed().map { "/data/" + $0 } && found.allSatisfy { $0.fault == nil })
    #expect(found[0].block == UInt64(bench.bodies.count) && found[0].digest == bench.fold.digest)
    #expect(found[1].digest == bench.bodies[Int(found[1].block) - 1].digest)
    bench.storage.flip(paths[1], bit: 8 * 600)
    bench.storage.flip(paths[0], bit: 8 * 200)
    let damaged = try Self.inspect(bench.storage)
    #expect(damaged[0].fault == "the piece at byte 512 does not have its hash" && damaged[0].digest == found[0].digest)
    #expect(damaged[1].fault == "its head is damaged" && damaged[1].digest == 0)
  }

  /// A checkpoint under the name of another: it is of no use to a tool, nor to a start.
  @Test func anotherOnesName() throws {
    let bench = try CheckpointTests.life(folds: 1, closes: false)
    let path = try #require(CheckpointTests.checkpoints(of: bench.storage).first)
    let block = try #require(try Self.inspect(bench.storage).first).block
    try bench.storage.rename(path, to: "shard-000/" + CheckpointFiles.name(of: block + 1))
    #expect(try Self.inspect(bench.storage).map(\.fault) == ["it is of block \(block)"])
    let start = try JournalBench(bench.storage, usesCheckpoints: true)
    #expect(start.bodies == bench.bodies)
    #expect(start.journal.statistics.recovery.problems.map(\.reason) == ["it is of block \(block)"])
  }

  /// Names that are nearly those of checkpoints are not taken for one.
  @Test(arguments: [
    ("00000000000000000042.checkpoint", UInt64?(42)), ("18446744073709551615.checkpoint", .max),
    ("42.checkpoint", nil), ("00000000000000000042.checkpoint.temporary", nil), ("00000000000000000042", nil),
    ("18446744073709551616.checkpoint", nil), ("+0000000000000000042.checkpoint", nil),
  ])
  func names(name: String, number: UInt64?) { #expect(CheckpointFiles.number(in: name) == number) }

  /// A journal that ends before the block of a checkpoint that is whole has lost what was durable, torn or not.
  @Test(arguments: [false, true]) func aJournalThatHasLess(isTorn: Bool) throws {
    let bench = try CheckpointTests.life(closes: true)
    let storage = bench.storage
    let last = Segment.path(shard: 0, segment: bench.journal.open.segment)
    // The closing block and the one before it are gone, or torn.
    let end = bench.journal.open.start
    let start = try #require(
      stride(from: end - 1024, through: 0, by: -512).first { offset in
        storage.contents(of: last).withUnsafeBytes { BlockHeader(at: $0.baseAddress! + offset) != nil }
      })
    storage.edit(last) { bytes in
      System.zero(UnsafeMutableRawBufferPointer(rebasing: bytes[(isTorn ? start + 512 : start)...]))
      if isTorn { bytes[start + 300] ^= 1 }
    }
    let checkpoints = try Self.inspect(storage)
    var fold = Fold()
    var inspection = try LedgerFiles(storage: storage, .withoutServer).inspect(shard: 0) { block in
      fold.apply(block.body)
      return fold.digest
    }
    #expect(inspection.damage == nil && (inspection.tornTail != nil) == isTorn)
    // An older one agrees with the journal.
    inspection.refute(by: checkpoints[1])
    #expect(inspection.damage == nil)
    inspection.refute(by: checkpoints[0])
    guard case .damaged(let damage) = inspection.damage else {
      Issue.record("\(inspection)")
      return
    }
    #expect(damage.byte == start && damage.reason.contains("was made of block \(checkpoints[0].block)"))
    #expect(damage.reason.hasPrefix(isTorn ? "the body does not have its hash" : "nothing is there"))
    // The first finding stays.
    let before = inspection.damage
    inspection.refute(by: checkpoints[0])
    #expect(inspection.damage == before && inspection.tornTail == nil)
  }
}
