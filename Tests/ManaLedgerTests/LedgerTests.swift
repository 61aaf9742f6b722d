import ManaLedger
import ManaProtocol
import Testing

@Suite struct LedgerTests {
  @Test func aSession() throws {
    var bench = Bench()
    var results = bench.post([
      .purchase(1, 7, 5_000_000, reference: "stripe pi_1", note: "$5 pack"), .spend(2, 7, 2_000_000, .combination),
      .refund(3, 7, of: 2, 500_000), .bonus(4, 7, 1), .spend(5, 7, 9_000_000),
    ])
    #expect(results.map(\.status) == [.ok, .ok, .ok, .ok, .insufficientBalance])
    #expect(results.map(\.sequence) == [1, 2, 3, 4, 0])
    #expect(results.map(\.balance) == [5_000_000, 3_000_000, 3_500_000, 3_500_001, 3_500_001])
    #expect(results.map(\.refundable) == [0, 2_000_000, 1_500_000, 0, 0])
    results = bench.post([.purchase(1, 7, 5_000_000, reference: "stripe pi_1", note: "$5 pack")])
    #expect(results[0].replayed && results[0].sequence == 1)
    results = bench.post([.purchase(1, 7, 5_000_000, reference: "stripe pi_2", note: "$5 pack")])
    #expect(results[0].status == .idConflict && results[0].field == .reference)
    bench.ledger.checkInvariants()
    let fresh = try bench.replayed()
    fresh.checkInvariants()
    #expect(fresh.digest == bench.ledger.digest)
    #expect(fresh.overview(of: 7) == bench.ledger.overview(of: 7))
  }
}
