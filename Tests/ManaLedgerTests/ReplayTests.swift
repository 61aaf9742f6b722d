import ManaProtocol
import Testing

@testable import ManaLedger

@Suite struct ReplayTests {
  /// Everything at random, then the journal into a fresh ledger: the same state and answers.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func aReplayedLedgerIsTheSame(seed: UInt64) throws {
    var numbers = SeededNumbers(seed: seed)
    var bench = Bench(seed: seed)
    var workload = Workload(numbers: numbers, ids: 1_500)
    var statuses: Set<Status> = []
    for _ in 0..<60 {
      bench.now += numbers.below(500_000_000)
      _ = bench.expire(5)
      let entries = (0..<1 + numbers.below(90)).map { _ in workload.entry(UInt128(1 + numbers.below(5))) }
      statuses.formUnion(bench.post(entries).map(\.status))
    }
    #expect(statuses.count >= 10, "seed \(seed): \(statuses)")
    bench.ledger.checkInvariants()
    try bench.checkReplay()
  }

  /// A journal of one block: a credit, three spends, a refund, a settlement of either kind, a tombstone.
  private static func bench() -> Bench {
    var bench = Bench()
    bench.post([
      .purchase(1, 1, 100, reference: "abc"), .spend(2, 1, 10), .spend(3, 1, 10, timeout: 1_000),
      .spend(4, 1, 10, timeout: 1_000), .refund(5, 1, of: 2, nil), .settle(6, 1, of: 3, used: nil),
      .settle(7, 1, of: 4, used: 1), .refund(8, 1, of: 99, nil, void: true), .spend(9, 1, 5),
    ])
    return bench
  }

  /// Records 0 to 8 begin at these offsets; the first has text.
  private static let offsets = [0, 128, 224, 320, 416, 512, 608, 704, 800]

  @Test(
    arguments: [
      ("type", 1, 60, [6], .invalidItem), ("reserved type", 1, 60, [9], .unknownType),
      ("id", 1, 0, [1], .duplicateID), ("id zero", 1, 0, [0], .invalidItem),
      ("account", 1, 16, [2], .accountUnknown), ("amount", 1, 48, [11], .balanceWrong),
      ("amount zero", 1, 48, [0], .invalidItem), ("amount above the balance", 1, 48, [101], .balanceWrong),
      ("operation", 1, 61, [6], .invalidItem), ("balance", 1, 64, [91], .balanceWrong),
      ("time", 1, 72, [0xE8, 3], .timestampNotIncreasing), ("previous", 2, 80, [9], .chainBroken),
      ("jump", 2, 86, [9], .jumpWrong), ("sequence", 1, 92, [3], .sequenceWrong),
      ("padding", 0, 127, [1], .paddingNotZero), ("text", 0, 96, [0xFF], .invalidItem),
      ("refund of another", 4, 32, [98], .originalUnknown), ("refund of too much", 4, 48, [11], .refundExceedsOriginal),
      ("refund without a spend", 4, 32, [0], .invalidItem),
      ("refund by a timeout too early", 6, 60, [0x83], .settlementNotOpen),
      ("refund by a settlement of no such spend", 4, 60, [0x43], .settlementNotOpen),
      ("settlement of another", 5, 32, [2], .settlementNotOpen), ("settlement of none", 5, 32, [98], .originalUnknown),
      ("settlement's sequence", 5, 92, [1], .sequenceWrong), ("settlement's previous", 5, 80, [1], .chainBroken),
      ("settlement's jump", 5, 86, [1], .jumpWrong), ("settlement's balance", 5, 64, [1], .balanceWrong),
      ("settlement's flag", 5, 60, [5], .settlementNotOpen), ("tombstone of a spend", 7, 32, [2], .originalUnknown),
      ("tombstone without its flag", 7, 60, [0x16], .invalidItem), ("a void spend", 8, 0, [99], .duplicateID),
      ("text that is not there", 8, 63, [200], .truncated), ("first sequence", 0, 92, [2], .accountUnknown),
      ("first balance", 0, 64, [99], .balanceWrong),
    ] as [(String, Int, Int, [UInt8], ReplayError.Problem)])
  func aWrongRecordIsTold(name: String, record: Int, offset: Int, bytes: [UInt8], problem: ReplayError.Problem) {
    let bench = Self.bench()
    let block = bench.journal.bytes(0)
    for (index, byte) in bytes.enumerated() { block[Self.offsets[record] + offset + index] = byte }
    let position = bench.journal.blocks[0].position + UInt64(Self.offsets[record] / 32)
    #expect(throws: ReplayError(position: position, problem: problem)) { _ = try bench.replayed() }
  }

  /// Records that would make a balance or a total larger than it can be; posted, they are refused.
  @Test func totalsThatOverflow() {
    let most = UInt64(Int64.max)
    let cases: [(entries: [Entry], amount: UInt64)] = [
      ([.bonus(1, 1, 100), .bonus(2, 1, 5)], most),
      (
        [
          .bonus(1, 1, most), .spend(2, 1, most), .purchase(3, 1, most), .spend(4, 1, most), .bonus(5, 1, most),
          .spend(6, 1, 1),
        ], 2
      ),
      ([.bonus(1, 1, 10), .spend(2, 1, 5), .purchase(3, 1, most - 7), .refund(4, 1, of: 2, 2)], 3),
    ]
    for (entries, amount) in cases {
      var bench = Bench()
      #expect(bench.post(entries).allSatisfy { $0.status == .ok })
      let last = (entries.count - 1) * 96
      (bench.journal.bytes(0).baseAddress! + last).storeBytes(
        of: amount.littleEndian, toByteOffset: 48, as: UInt64.self)
      let position = bench.journal.blocks[0].position + UInt64(last / 32)
      #expect(throws: ReplayError(position: position, problem: .totalOverflow)) { _ = try bench.replayed() }
    }
  }

  /// The bijection that gives timeouts their ids takes one id to zero, which is none: it is applied once more.
  @Test func noTimeoutHasTheIDZero() {
    // Its rounds undone, last first.
    var (low, high): (UInt64, UInt64) = (0, 0)
    for round in [2, 1] as [UInt64] {
      low ^= mix64(high &+ round &* 0xD1B5_4A32_D192_ED03)
      high ^= mix64(low &+ round &* 0x9E37_79B9_7F4A_7C15)
    }
    let id = UInt128(high) << 64 | UInt128(low)
    #expect(TimeoutID.next(after: id) == TimeoutID.next(after: 0) && TimeoutID.next(after: id) != 0)
  }

  @Test(arguments: [
    (8, 896, ReplayError.Problem.recordCount), (10, 896, .truncated), (9, 895, .truncated), (9, 864, .truncated),
  ])
  func lengthsMustFit(records: Int, bytes: Int, problem: ReplayError.Problem) {
    let bench = Self.bench()
    var fresh = Ledger(records: bench.journal.space, tableSeed: 1)
    let block = UnsafeRawBufferPointer(rebasing: bench.journal.bytes(0)[..<bytes])
    var found: ReplayError.Problem?
    do {
      try fresh.replay(block: block, firstPosition: bench.journal.blocks[0].position, recordCount: records)
    } catch { found = error.problem }
    #expect(found == problem)
  }

  /// No bit of the journal can be turned over without an error or another digest, but for those that only say what the
  /// transaction was for.
  @Test func everyBitCounts() throws {
    let bench = Self.bench()
    let block = bench.journal.bytes(0)
    for offset in 0..<block.count {
      let field = offset - (Self.offsets.last { $0 <= offset } ?? 0)
      // Id, related, quantity, operation, timestamp, text: another value is another valid history.
      let isFree = field < 16 || (32..<48).contains(field) || (56..<64).contains(field) || (72..<80).contains(field)
      if isFree || field >= 96 { continue }
      for bit in 0..<8 as Range<UInt8> {
        block[offset] ^= 1 << bit
        var isNoticed = false
        do {
          let fresh = try bench.replayed()
          isNoticed = fresh.digest != bench.ledger.digest
        } catch is ReplayError { isNoticed = true }
        #expect(isNoticed, "offset \(offset), bit \(bit)")
        block[offset] ^= 1 << bit
      }
    }
  }

  /// The digest is a format: these values must never change.
  @Test func theDigestIsAFormat() {
    let account = StateDigest.account(low: 42, high: 7)
    #expect(account == 8_252_351_924_312_783_187)
    #expect(StateDigest.share(account: account, balance: 1_000_000, sequence: 3) == 6_494_160_139_745_292_036)
    let next = TimeoutID.next(after: 42)
    #expect(UInt64(truncatingIfNeeded: next >> 64) == 17_387_797_622_377_972_738)
    #expect(UInt64(truncatingIfNeeded: next) == 8_604_762_327_616_875_132)
  }
}
