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

  /// Sums at the edge of what fits, here of what was ever spent over several operations: 2^64 − 1 in all.
  @Test func lifetimeTotalsAtTheirLimits() throws {
    var bench = Bench()
    let most = UInt64(Int64.max)
    var results = bench.post([
      .purchase(1, 7, most), .spend(2, 7, most, .export), .refund(3, 7, of: 2, nil), .spend(4, 7, most, .detection),
      .bonus(5, 7, most), .spend(6, 7, 2, .variation), .spend(7, 7, 1, .export), .bonus(8, 7, most),
    ])
    #expect(results.map(\.status) == [.ok, .ok, .ok, .ok, .ok, .balanceOverflow, .ok, .balanceOverflow])
    #expect(results.last?.balance == Int64(most - 1))
    results = bench.post([.spend(9, 7, 1), .spend(10, 7, most), .purchase(11, 7, 1)])
    #expect(results.map(\.status) == [.balanceOverflow, .insufficientBalance, .ok])
    bench.ledger.checkInvariants()
    #expect(bench.ledger.overview(of: 7)?.lifetime(.spend) == .max)
    try bench.checkReplay()
  }

  @Test func compactResultsAreTheBeginningOfFullOnes() {
    let entries: [Entry] = [.purchase(1, 7, 50), .spend(2, 7, 20), .spend(3, 7, 90), .purchase(1, 7, 51)]
    var one = Bench()
    var other = Bench()
    let full = one.post(entries)
    let compact = other.post(entries, stride: ItemResult.compactBytes)
    for (full, compact) in zip(full, compact) {
      #expect(full.status == compact.status && full.sequence == compact.sequence && full.amount == compact.amount)
      #expect(full.field == compact.field && compact.balance == 0 && compact.timestamp == 0)
    }
  }

  /// Timestamps never go back, whatever the clock does.
  @Test func timestampsIncrease() {
    var bench = Bench()
    var times: [UInt64] = []
    for (number, now) in [1_000, 1_000, 5_000, 3, 0, 5_001, 9_000].enumerated() as EnumeratedSequence<[UInt64]> {
      bench.now = now
      times.append(bench.post(.bonus(UInt128(number + 1), 1, 1)).timestamp)
    }
    #expect(times == [1_000, 1_001, 5_000, 5_001, 5_002, 5_003, 9_000])
  }

  /// The longest texts and batches without any fit what `recordBytesMax` says, exactly where it can be exact.
  @Test(arguments: [0, 1, 31, 32, 33, 255])
  func recordsFitTheRoomThatIsReserved(length: Int) {
    var bench = Bench()
    let text = String(repeating: "x", count: length)
    let entries = (1...50).map { Entry.purchase($0, 1, 1, reference: text, note: text) }
    bench.post(entries)
    let bytes = bench.journal.blocks[0].bytes
    let reserved = Ledger.recordBytesMax(items: 50, textBytes: 100 * length)
    #expect(bytes <= reserved && (length > 0 || bytes == reserved))
  }

  /// Whoever does not know the seed sees nothing of it.
  @Test func theTableSeedChangesNothingThatIsSeen() {
    var one = Bench(seed: 1)
    var other = Bench(seed: 2)
    var workloads = (Workload(numbers: SeededNumbers(seed: 8)), Workload(numbers: SeededNumbers(seed: 8)))
    for _ in 0..<20 {
      let results = (
        one.post((0..<30).map { _ in workloads.0.entry(3) }),
        other.post((0..<30).map { _ in workloads.1.entry(3) })
      )
      #expect(results.0 == results.1)
    }
    #expect(one.ledger.digest == other.ledger.digest)
  }

  /// What is prepared is what is used: the tables take no more memory afterwards.
  @Test func memoryIsPreparedAhead() {
    var bench = Bench()
    bench.post([.purchase(1, 1, 1_000_000)])
    bench.ledger.prepare(transactions: 200_000, accounts: 6_000)
    let bytes = bench.ledger.memoryBytes
    bench.ledger.prepare(transactions: 200_000, accounts: 6_000)
    #expect(bench.ledger.memoryBytes == bytes && bytes > 6_000 * 256)
    for first in stride(from: UInt128(2), to: 200_000, by: 5_000) {
      bench.post((first..<first + 5_000).map { .bonus($0, 1 + $0 % 6_000, 1) }, stride: 16)
    }
    // Small tables are not taken from what is prepared.
    #expect(bench.ledger.memoryBytes - bytes < 1 << 20)
    bench.ledger.checkInvariants()
  }

  /// Many accounts, so that the account table splits.
  @Test func manyAccounts() throws {
    var bench = Bench()
    let count: UInt128 = 60_000
    for first in stride(from: UInt128(1), to: count, by: 5_000) {
      bench.post((first..<first + 5_000).map { .purchase(1, $0 << 64, UInt64($0)) }, stride: 16)
    }
    #expect(bench.ledger.accountCount == Int(count))
    for account in 1...count { #expect(bench.ledger.overview(of: account << 64)?.balance == Int64(account)) }
    bench.ledger.checkInvariants()
    let fresh = try bench.replayed()
    #expect(fresh.digest == bench.ledger.digest && fresh.memoryBytes > Int(count) * 256)
  }
}
