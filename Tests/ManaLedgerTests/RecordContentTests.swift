import ManaProtocol
import Testing

@testable import ManaLedger

/// Records as tools show them.
@Suite struct RecordContentTests {
  /// A record of each kind and origin.
  private static func bench() -> Bench {
    var bench = Bench()
    bench.post([
      .purchase(1, 7, 100, reference: "pi_1", note: "a pack"), .bonus(2, 7, 50), .spend(3, 7, 10, timeout: 1_000),
      .spend(4, 7, 10, timeout: 1_000), .spend(5, 7, 10, timeout: 1_000), .refund(6, 7, of: 99, nil, void: true),
      .settle(7, 7, of: 3, used: nil), .settle(8, 7, of: 4, used: 4, note: "less"), .spend(9, 7, 1),
      .refund(10, 7, of: 9, nil),
    ])
    bench.now += 10_000_000_000
    #expect(bench.expire() == 1)
    return bench
  }

  private static func contents(of bench: borrowing Bench, _ index: Int, count: Int? = nil, bytes: Int? = nil) -> (
    records: [RecordContent], isUsedUp: Bool
  ) {
    let block = bench.journal.blocks[index]
    let body = UnsafeRawBufferPointer(rebasing: bench.journal.bytes(index)[..<(bytes ?? block.bytes)])
    var records: [RecordContent] = []
    let isUsedUp = RecordContent.forEach(in: body, firstPosition: block.position, count: count ?? block.records) {
      records.append($0)
    }
    return (records, isUsedUp)
  }

  @Test func eachKindIsNamed() throws {
    let bench = Self.bench()
    let (records, isUsedUp) = Self.contents(of: bench, 0)
    #expect(isUsedUp)
    #expect(
      records.map(\.kind) == [
        .purchase, .bonus, .spend, .spend, .spend, .tombstone, .settlement, .refund, .spend, .refund,
      ])
    #expect(records.map(\.origin) == [nil, nil, nil, nil, nil, nil, nil, .settlement, nil, nil])
    #expect(records[0].reference == "pi_1" && records[0].note == "a pack" && records[7].note == "less")
    #expect(records[0].position == bench.journal.blocks[0].position && records[0].previous == 0)
    #expect(records[1].previous == records[0].position && records[1].position == records[0].position + 4)
    #expect(records.map(\.sequence) == [1, 2, 3, 4, 5, 0, 0, 6, 7, 8])
    #expect(records[7].item.amount == 6 && records[7].balanceAfter == 126 && records[7].item.related == 4)
    let timeout = try #require(Self.contents(of: bench, 1).records.first)
    #expect(timeout.kind == .refund && timeout.origin == .timeout && timeout.note == "timeout")
    #expect(timeout.timestamp > records[9].timestamp && timeout.jump != 0)
  }

  @Test func aTypeThatNoRecordHas() throws {
    let bench = Self.bench()
    bench.journal.bytes(0)[128 + 60] = 9
    #expect(Self.contents(of: bench, 0).records[1].kind == nil)
  }

  /// A body that is shorter, or longer, than its records: what fits is shown.
  @Test(
    arguments: [
      (11, nil, 10, false), (9, nil, 9, false), (10, 100, 0, false), (10, 95, 0, false), (1, 128, 1, true),
      (0, 0, 0, true), (1, 0, 0, false),
    ] as [(Int, Int?, Int, Bool)])
  func whatDoesNotFitIsNotShown(count: Int, bytes: Int?, shown: Int, isUsedUp: Bool) {
    let bench = Self.bench()
    let contents = Self.contents(of: bench, 0, count: count, bytes: bytes)
    #expect(contents.records.count == shown && contents.isUsedUp == isUsedUp)
  }
}
