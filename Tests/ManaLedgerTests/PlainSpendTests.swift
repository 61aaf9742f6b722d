import ManaLedger
import ManaProtocol
import Testing

/// Plain spends have a way of their own through the ledger. An atomic batch of one item never takes it: whatever is
/// posted both ways must come out the same, to the byte.
@Suite struct PlainSpendTests {
  /// A spend at the edge of what is allowed, or beyond.
  private static func entry(_ numbers: inout SeededNumbers, _ known: inout [UInt128]) -> Entry {
    let account = UInt128(numbers.below(6))
    let isRepeated = numbers.below(8) == 0 && !known.isEmpty
    let id = isRepeated ? known[Int(numbers.below(UInt64(known.count)))] : UInt128(numbers.below(1 << 20))
    known.append(id)
    let amounts: [UInt64] = [0, 1, 2, 500, 1_000, UInt64(Int64.max), UInt64(Int64.max) + 1, .max]
    let amount = numbers.below(3) == 0 ? amounts[Int(numbers.below(UInt64(amounts.count)))] : numbers.below(4)
    var entry = Entry.spend(id, account, amount, .combination)
    switch numbers.below(24) {
    case 0: entry.item.operation = UInt8(numbers.below(10))
    case 1: entry.item.flags = ItemFlags(rawValue: UInt8(1 << (4 + numbers.below(4))))
    case 2: entry.item.related = UInt128(numbers.next()) << (numbers.below(2) * 64)
    case 3: entry.note = "note"
    case 4: entry.item.type = UInt8(numbers.below(8))
    case 5: entry.item.quantity = .max
    case 6: return .purchase(id, account, numbers.below(2_000))
    case 7: return .refund(id, account, of: known[Int(numbers.below(UInt64(known.count)))], nil, void: true)
    default: break
    }
    return entry
  }

  @Test(arguments: [nil, TransactionType.spend, .purchase])
  func bothWaysAgree(type: TransactionType?) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var numbers = SeededNumbers(seed: seed)
    var quick = Bench(seed: 1)
    var thorough = Bench(seed: 2)
    let credits = (1...5).map { Entry.purchase(UInt128($0), UInt128($0), 2_000) }
    quick.post(credits)
    thorough.post(credits)
    var known: [UInt128] = []
    for round in 0..<400 {
      let entries = (0...Int(numbers.below(70))).map { _ in Self.entry(&numbers, &known) }
      (quick.now, thorough.now) = (UInt64(round * 50), UInt64(round * 50))
      let results = quick.post(entries, type: type)
      let expected = entries.map { thorough.post([$0], type: type, atomic: true)[0] }
      try #require(results == expected, "seed \(seed), round \(round)")
      try #require(quick.ledger.digest == thorough.ledger.digest, "seed \(seed), round \(round)")
    }
    #expect(quick.journal.next == thorough.journal.next, "seed \(seed)")
    quick.ledger.checkInvariants()
    try quick.checkReplay()
  }

  /// Sums that come near 64 bits are left to the long way, which adds them exactly.
  @Test func sumsNearTheirEnd() {
    var bench = Bench()
    let most = UInt64(Int64.max)
    var id: UInt128 = 1
    func next() -> UInt128 {
      id += 1
      return id
    }
    for _ in 0..<2 {
      #expect(bench.post(.purchase(next(), 1, most / 2)).status == .ok)
      #expect(bench.post(.spend(next(), 1, most / 2)).status == .ok)
    }
    #expect(bench.post(.bonus(next(), 1, most)).status == .ok)
    #expect(bench.post(.spend(next(), 1, most)).status == .ok)
    #expect(bench.post(.purchase(next(), 1, 1_000)).status == .ok)
    #expect(bench.post(.spend(next(), 1, 1_000)).status == .balanceOverflow)
    bench.ledger.checkInvariants()
  }
}
