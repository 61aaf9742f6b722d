import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// Ledgers that do one thing wrong, once: the comparison must notice each of them, or it proves nothing.
@Suite struct PlantedErrorTests {
  @Test func withoutAnErrorNothingIsFound() {
    #expect(throws: Never.self) { try Self.run(MemoryLedger(tableSeed: 7)) }
  }

  @Test(arguments: UnfaithfulLedger.Fault.allCases) func wrongTransactionsAreFound(_ fault: UnfaithfulLedger.Fault) {
    #expect(throws: Divergence.self) { try Self.run(UnfaithfulLedger(fault)) }
  }

  @Test(arguments: DamagedMemory.Damage.allCases) func wrongRecordsAreFound(_ damage: DamagedMemory.Damage) {
    #expect(throws: Divergence.self) { try Self.run(DamagedMemory(damage)) }
  }

  @Test(arguments: MisreadingLedger.Fault.allCases) func wrongAnswersAreFound(_ fault: MisreadingLedger.Fault) {
    #expect(throws: Divergence.self) { try Self.run(MisreadingLedger(fault)) }
  }

  private static func run(_ subject: any LedgerSubject) throws {
    var comparison = LedgerComparison(
      seed: 11, subject: subject, shape: Workload.Shape(accounts: 16, itemsMax: 20), timeoutID: TimeoutID.next(after:))
    try comparison.run(operations: 1_200)
  }
}
