import Foundation
import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// Random work for the real ledger and the reference ledger, whose answers must be the same to the byte.
///
/// `MANA_SEED` runs one seed instead of the usual ones, `MANA_OPERATIONS` sets the number of items of each run.
@Suite struct DifferentialTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seeds: [UInt64] = environment["MANA_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? [1, 2, 3, 4]
  private static let operations = environment["MANA_OPERATIONS"].flatMap { Int($0) } ?? 6_000

  private func compare(
    _ seed: UInt64, _ shape: Workload.Shape, _ memory: RecordMemory = RecordMemory(), hashBits: UInt64 = .max
  ) throws -> LedgerComparison {
    var comparison = LedgerComparison(
      seed: seed, subject: MemoryLedger(tableSeed: seed, hashBits: hashBits, memory: memory), shape: shape,
      timeoutID: TimeoutID.next(after:))
    try comparison.run(operations: Self.operations)
    return comparison
  }

  @Test(arguments: seeds) func manyAccounts(_ seed: UInt64) throws {
    let comparison = try compare(seed, Workload.Shape(accounts: max(48, Self.operations / 100)))
    #expect(comparison.restarts > 0, "seed \(seed)")
  }

  @Test(arguments: seeds) func fewAccounts(_ seed: UInt64) throws {
    _ = try compare(seed, Workload.Shape(accounts: 8, itemsMax: 8))
  }

  @Test(arguments: seeds) func largeBatches(_ seed: UInt64) throws {
    _ = try compare(seed, Workload.Shape(accounts: 100, itemsMax: 700))
  }

  /// Nearly every record has left memory: whatever needs one is stopped before it has changed anything, and goes on when
  /// it is there.
  @Test(arguments: seeds) func hardlyAnythingInMemory(_ seed: UInt64) throws {
    for accounts in [8, 48] {
      let memory = RecordMemory(segmentShift: 17, residentSegmentsMax: 1)
      let comparison = try compare(seed, Workload.Shape(accounts: accounts, itemsMax: 8), memory)
      #expect(comparison.restarts > 0 && memory.absences > Self.operations / 50, "seed \(seed)")
    }
  }

  /// Ids of which many have the same hash: what is found is compared, and what is not in memory by its item alone.
  @Test(arguments: seeds) func hashesOfTwelveBits(_ seed: UInt64) throws {
    for residentSegments in [1, .max] {
      let memory = RecordMemory(segmentShift: 17, residentSegmentsMax: residentSegments)
      _ = try compare(seed, Workload.Shape(accounts: 48, itemsMax: 8), memory, hashBits: 0x1F_0000_007F)
      #expect(memory.itemAbsences > Self.operations / 50 || residentSegments == .max, "seed \(seed)")
    }
  }

  /// The comparison is worth something only as far as the work goes: each status that an account can reach occurs.
  @Test func everyStatusOccurs() throws {
    var statuses: Set<Status> = []
    for seed in Self.seeds {
      var workload = Workload(seed: seed)
      var reference = ReferenceLedger(timeoutID: TimeoutID.next(after:))
      for _ in 0..<1_500 {
        statuses.formUnion(reference.post(workload.nextBatch(), now: workload.clock).results.map(\.status))
        _ = reference.expire(now: workload.clock, limit: 100)
      }
    }
    let possible = Status.allCases.filter { $0.rawValue <= Status.notApplied.rawValue && $0 != .accountFull }
    #expect(statuses == Set(possible), "missing \(Set(possible).subtracting(statuses))")
  }
}
