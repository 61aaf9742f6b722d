import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

/// Every status of an item, from the reference and from the real ledger, which must also agree in everything else.
@Suite struct StatusTests {
  private func results(_ draft: ItemDraft, call itemType: TransactionType? = nil) throws -> ItemResult {
    var reference = ReferenceLedger(timeoutID: TimeoutID.next(after:))
    let subject = MemoryLedger(tableSeed: 1)
    let prepared = Situation.prepare(&reference)
    #expect(prepared.refused == 0, "the situation itself is refused")
    #expect(Situation.prepare(subject).results == prepared.encoded(stride: ItemResult.fullBytes))
    let batch = ItemBatch([draft], itemType: itemType)
    let report = reference.post(batch, now: Situation.now)
    let answer = subject.post(batch, now: Situation.now)
    let actual = answer.results.withUnsafeBytes {
      ItemResult(reading: $0.baseAddress!, stride: ItemResult.fullBytes)
    }
    #expect(actual == report.results[0], "real ledger on the left, reference on the right")
    let digest = subject.digest
    try subject.restart()
    #expect(subject.digest == digest)
    subject.checkInvariants()
    return report.results[0]
  }

  @Test(arguments: StatusCase.single) func single(_ example: StatusCase) throws {
    #expect(try results(example.draft, call: example.itemType).status == example.expected)
  }

  @Test(arguments: StatusCase.pairs) func earlierOfTwoWins(_ example: StatusCase) throws {
    #expect(try results(example.draft, call: example.itemType).status == example.expected)
  }

  @Test(arguments: StatusCase.conflicts) func firstDifferenceIsNamed(
    _ example: (name: String, draft: ItemDraft, field: ConflictField)
  ) throws {
    let result = try results(example.draft)
    #expect(result.status == .idConflict && result.field == example.field)
  }

  /// Each status but those that no single item can reach stands in the table.
  @Test func tableIsComplete() {
    let covered = Set(StatusCase.single.map(\.expected))
    let items = Status.allCases.filter { $0.rawValue < Status.notApplied.rawValue && $0 != .accountFull }
    #expect(Set(items).subtracting(covered).isEmpty)
  }
}
