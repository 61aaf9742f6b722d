import ManaProtocol
import Testing

@testable import ManaLedger

/// Each status once, and each pair of neighbours once: where both apply, the earlier one is given.
@Suite struct StatusTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var status: Status
    var entry: Entry
    var type: TransactionType?
    var testDescription: String { name }

    init(_ status: Status, _ name: String, type: TransactionType? = nil, _ entry: Entry) {
      self.status = status
      self.name = "\(status): \(name)"
      self.type = type
      self.entry = entry
    }
  }

  /// Account 1 has 102 and, of spends of 10 each: 11 plain, 12 unsettled, 13 settled with 4 used, 14 timed out, 15
  /// ended by a refund of 3, 16 refunded in full, 17 settled with everything used. 19 is void, 10 is the purchase.
  /// Account 2 has all that a balance can be.
  private static func bench() -> Bench {
    var bench = Bench()
    bench.post([
      .purchase(10, 1, 200, reference: "r", note: "n"),
      .spend(11, 1, 10, .export, quantity: 5, reference: "r", note: "n"),
      .spend(12, 1, 10, timeout: 9_000), .spend(13, 1, 10, timeout: 9_000), .settle(23, 1, of: 13, used: 4),
      .spend(14, 1, 10, timeout: 1_000), .spend(15, 1, 10, timeout: 9_000), .refund(25, 1, of: 15, 3),
      .spend(16, 1, 10), .refund(26, 1, of: 16, nil), .spend(17, 1, 10, timeout: 9_000),
      .settle(27, 1, of: 17, used: nil),
      .refund(29, 1, of: 19, nil, void: true), .spend(18, 1, 57),
      .purchase(10, 2, UInt64(Int64.max)), .spend(11, 2, 10), .spend(12, 2, 10, timeout: 9_000), .bonus(13, 2, 20),
    ])
    bench.now += 2_000_000_000
    _ = bench.expire()
    return bench
  }

  private static func raw(_ entry: Entry, _ change: (inout Item) -> Void) -> Entry {
    var entry = entry
    change(&entry.item)
    return entry
  }

  private static let big = UInt64(Int64.max) + 1

  @Test(arguments: [
    Case(.ok, "a spend", .spend(90, 1, 1)),
    Case(.ok, "a settlement of everything", .settle(90, 1, of: 12, used: nil)),
    Case(.ok, "a settlement of nothing", .settle(90, 1, of: 12, used: 0)),
    Case(.unknownType, "0", raw(.spend(90, 1, 1)) { $0.type = 0 }),
    Case(.unknownType, "6", raw(.spend(90, 1, 1)) { $0.type = 6 }),
    Case(.unknownType, "before typeMismatch", type: .spend, raw(.spend(90, 1, 1)) { $0.type = 15 }),
    Case(.typeMismatch, "a bonus in a spend call", type: .spend, .bonus(90, 1, 1)),
    Case(
      .typeMismatch, "before unknownOperation", type: .spend, raw(.bonus(90, 1, 1)) { $0.operation = 9 }),
    Case(.unknownOperation, "9", raw(.spend(90, 1, 1)) { $0.operation = 9 }),
    Case(.unknownOperation, "none on a spend", raw(.spend(90, 1, 1)) { $0.operation = 0 }),
    Case(.unknownOperation, "9 of a settlement", raw(.settle(90, 1, of: 12, used: 1)) { $0.operation = 9 }),
    Case(.operationMismatch, "a purchase as spend", raw(.spend(90, 1, 1)) { $0.operation = 6 }),
    Case(.operationMismatch, "an export as bonus", raw(.bonus(90, 1, 1)) { $0.operation = 5 }),
    Case(.operationMismatch, "a settlement with one", raw(.settle(90, 1, of: 12, used: 1)) { $0.operation = 7 }),
    Case(
      .operationMismatch, "before reservedFlag",
      raw(.spend(90, 1, 1)) {
        $0.operation = 7
        $0.flags = ItemFlags(rawValue: 0x80)
      }),
    Case(.reservedFlag, "bit 7", raw(.spend(90, 1, 1)) { $0.flags = ItemFlags(rawValue: 0x80) }),
    Case(.reservedFlag, "remaining on a spend", raw(.spend(90, 1, 0)) { $0.flags = .remaining }),
    Case(.reservedFlag, "unsettled on a bonus", raw(.bonus(90, 1, 1)) { $0.flags = .unsettled }),
    Case(.reservedFlag, "void on a settlement", raw(.settle(90, 1, of: 12, used: 1)) { $0.flags = .voidIfUnknown }),
    Case(.reservedFlag, "before idMissing", raw(.spend(0, 1, 1)) { $0.flags = ItemFlags(rawValue: 0x80) }),
    Case(.idMissing, "alone", .spend(0, 1, 1)),
    Case(.idMissing, "before accountMissing", .spend(0, 0, 1)),
    Case(.accountMissing, "alone", .spend(90, 0, 1)),
    Case(.accountMissing, "before relatedMissing", .refund(90, 0, of: 0, 1)),
    Case(.relatedMissing, "of a refund", .refund(90, 1, of: 0, 1)),
    Case(.relatedMissing, "of a settlement", .settle(90, 1, of: 0, used: 1)),
    Case(.relatedMissing, "before amountZero", .refund(90, 1, of: 0, 0)),
    Case(.relatedNotAllowed, "on a spend", raw(.spend(90, 1, 1)) { $0.related = 11 }),
    Case(.relatedNotAllowed, "on a bonus", raw(.bonus(90, 1, 1)) { $0.related = 11 }),
    Case(.relatedNotAllowed, "before amountZero", raw(.bonus(90, 1, 0)) { $0.related = 11 }),
    Case(.settlementTimeoutOutOfRange, "too short", .spend(90, 1, 1, timeout: 999)),
    Case(.settlementTimeoutOutOfRange, "none", raw(.spend(90, 1, 1)) { $0.flags = .unsettled }),
    Case(.settlementTimeoutOutOfRange, "too long", .spend(90, 1, 1, timeout: 2_592_000_001)),
    Case(.settlementTimeoutOutOfRange, "in the upper half", .spend(90, 1, 1, timeout: 1 << 64 | 9_000)),
    Case(.settlementTimeoutOutOfRange, "before amountZero", .spend(90, 1, 0, timeout: 999)),
    Case(.ok, "the shortest timeout", .spend(90, 1, 1, timeout: 1_000)),
    Case(.ok, "the longest timeout", .spend(90, 1, 1, timeout: 2_592_000_000)),
    Case(.amountZero, "of a spend", .spend(90, 1, 0)),
    Case(.amountZero, "of a refund", .refund(90, 1, of: 11, 0)),
    Case(.amountZero, "before textInvalid", .spend(90, 1, 0, reference: "\u{1}")),
    Case(.amountNotAllowed, "a refund", raw(.refund(90, 1, of: 11, nil)) { $0.amount = 1 }),
    Case(.amountNotAllowed, "a settlement", raw(.settle(90, 1, of: 12, used: nil)) { $0.amount = 1 }),
    Case(.amountNotAllowed, "before amountTooLarge", raw(.refund(90, 1, of: 11, nil)) { $0.amount = big }),
    Case(.amountTooLarge, "a spend", .spend(90, 1, big)),
    Case(.amountTooLarge, "a settlement", .settle(90, 1, of: 12, used: big)),
    Case(.amountTooLarge, "before idConflict", .spend(11, 1, big)),
    Case(.amountTooLarge, "before accountUnknown", .spend(90, 3, big)),
    Case(.idConflict, "before voided", .refund(26, 1, of: 11, 1)),
    Case(.idConflict, "before originalUnknown", .refund(11, 1, of: 99, 1)),
    Case(.idConflict, "before insufficientBalance", .spend(11, 1, 5_000)),
    Case(.voided, "the spend that a tombstone names", .spend(19, 1, 1)),
    Case(.voided, "before insufficientBalance", .spend(19, 1, 5_000)),
    Case(.ok, "a purchase with a void id", .purchase(19, 1, 1)),
    Case(.accountUnknown, "a spend", .spend(90, 3, 1)),
    Case(.accountUnknown, "a refund", .refund(90, 3, of: 11, 1)),
    Case(.accountUnknown, "a refund that would leave a tombstone", .refund(90, 3, of: 11, 1, void: true)),
    Case(.accountUnknown, "a settlement", .settle(90, 3, of: 12, used: 1)),
    Case(.ok, "a purchase creates it", .purchase(90, 3, 1)),
    Case(.originalUnknown, "a refund", .refund(90, 1, of: 99, 1)),
    Case(.originalUnknown, "a settlement", .settle(90, 1, of: 99, used: 1)),
    Case(.originalUnknown, "of another account", .refund(90, 2, of: 18, 1)),
    Case(.originalUnknown, "a settlement that refunded nothing", .refund(90, 1, of: 27, 1)),
    Case(.originalUnknown, "a tombstone", .refund(90, 1, of: 29, 1)),
    Case(.ok, "a refund that leaves a tombstone", .refund(90, 1, of: 99, 1, void: true)),
    Case(.originalNotSpend, "a refund of a purchase", .refund(90, 1, of: 10, 1)),
    Case(.originalNotSpend, "of a refund, tombstone or not", .refund(90, 1, of: 25, 1, void: true)),
    Case(.originalNotSpend, "a settlement of a purchase", .settle(90, 1, of: 10, used: 1)),
    Case(.settlementNotExpected, "alone", .settle(90, 1, of: 11, used: 1)),
    Case(.settlementNotExpected, "of a refunded spend", .settle(90, 1, of: 16, used: 1)),
    Case(.settlementNotExpected, "before usedExceedsAmount", .settle(90, 1, of: 11, used: 11)),
    Case(.alreadySettled, "with more", .settle(90, 1, of: 13, used: 5)),
    Case(.alreadySettled, "as failed", .settle(90, 1, of: 17, used: 0)),
    Case(.alreadySettled, "before usedExceedsAmount", .settle(90, 1, of: 13, used: 11)),
    Case(.alreadyRefunded, "alone", .settle(90, 1, of: 15, used: 4)),
    Case(.alreadyRefunded, "before usedExceedsAmount", .settle(90, 1, of: 15, used: 11)),
    Case(.settlementTimedOut, "alone", .settle(90, 1, of: 14, used: nil)),
    Case(.settlementTimedOut, "before usedExceedsAmount", .settle(90, 1, of: 14, used: 11)),
    Case(.usedExceedsAmount, "alone", .settle(90, 1, of: 12, used: 11)),
    Case(.usedExceedsAmount, "before balanceOverflow", .settle(90, 2, of: 12, used: 11)),
    Case(.nothingToRefund, "alone", .refund(90, 1, of: 16, nil)),
    Case(.nothingToRefund, "after a timeout", .refund(90, 1, of: 14, 1)),
    Case(.nothingToRefund, "before refundExceedsOriginal", .refund(90, 1, of: 16, 11)),
    Case(.refundExceedsOriginal, "more than the spend", .refund(90, 1, of: 11, 11)),
    Case(.refundExceedsOriginal, "more than is left", .refund(90, 1, of: 15, 8)),
    Case(.refundExceedsOriginal, "before balanceOverflow", .refund(90, 2, of: 11, 11)),
    Case(.ok, "exactly what is left", .refund(90, 1, of: 15, 7)),
    Case(.insufficientBalance, "one more than there is", .spend(90, 1, 103)),
    Case(.ok, "all that there is", .spend(90, 1, 102)),
    Case(.balanceOverflow, "a purchase", .purchase(90, 2, 1)),
    Case(.balanceOverflow, "a bonus", .bonus(90, 2, 1)),
    Case(.balanceOverflow, "a refund", .refund(90, 2, of: 11, 1)),
    Case(.balanceOverflow, "a settlement", .settle(90, 2, of: 12, used: 9)),
    Case(.ok, "a settlement that refunds nothing", .settle(90, 2, of: 12, used: 10)),
  ])
  func ladder(test: Case) {
    var bench = Self.bench()
    let digest = bench.ledger.digest
    let balance = bench.ledger.overview(of: test.entry.item.account)?.balance ?? 0
    let result = bench.post(test.entry, type: test.type)
    #expect(result.status == test.status)
    bench.ledger.checkInvariants()
    guard test.status != .ok else { return }
    #expect(result.sequence == 0 && result.amount == 0 && result.timestamp == 0 && !result.replayed)
    #expect(result.balance == balance)
    #expect(bench.ledger.digest == digest)
  }

  @Test(arguments: [
    (ConflictField.type, raw(.bonus(11, 1, 10)) { _ in }),
    (.type, .refund(11, 1, of: 12, 10)),
    (.operation, .spend(11, 1, 11, .detection)),
    (.amount, .spend(11, 1, 9, .export, quantity: 4)),
    (.quantity, .spend(11, 1, 10, .export, quantity: 4, timeout: 9_000)),
    (.related, .spend(11, 1, 10, .export, quantity: 5, timeout: 9_000)),
    (.reference, .spend(11, 1, 10, .export, quantity: 5, reference: "", note: "n")),
    (.reference, .spend(11, 1, 10, .export, quantity: 5, reference: "s", note: "m")),
    (.note, .spend(11, 1, 10, .export, quantity: 5, reference: "r", note: "m")),
    (.note, .spend(11, 1, 10, .export, quantity: 5, reference: "r")),
    (.flags, .refund(25, 1, of: 15, 3, void: true)),
    (.amount, .refund(26, 1, of: 16, 10)),
    (.related, .refund(25, 1, of: 16, 3)),
    (.type, .spend(29, 1, 1)),
    (.type, .refund(23, 1, of: 13, 6)),
    (.type, .settle(25, 1, of: 15, used: 7)),
    (.amount, .settle(23, 1, of: 13, used: 5)),
    (.related, .settle(23, 1, of: 12, used: 4)),
    (.note, .settle(23, 1, of: 13, used: 4, note: "x")),
    (.amount, .settle(27, 1, of: 17, used: 10)),
  ])
  func conflicts(field: ConflictField, entry: Entry) {
    var bench = Self.bench()
    let result = bench.post(entry)
    #expect(result.status == .idConflict && result.field == field)
  }

  /// The last sequence number cannot be reached in a test, so that it is set.
  @Test func accountFull() {
    var bench = Self.bench()
    let account = bench.ledger.account(1)!
    let sequence = account.sequence
    account.sequence = .max
    let entries: [Entry] = [
      .spend(90, 1, 1), .bonus(90, 1, 1), .refund(90, 1, of: 11, 1), .settle(90, 1, of: 12, used: 1),
    ]
    for entry in entries { #expect(bench.post(entry).status == .accountFull) }
    #expect(bench.post(.spend(90, 1, 5_000)).status == .insufficientBalance, "before accountFull")
    #expect(bench.post(.bonus(90, 1, UInt64(Int64.max))).status == .balanceOverflow, "before accountFull")
    #expect(bench.post(.settle(90, 1, of: 12, used: nil)).status == .ok, "what takes no sequence number")
    account.sequence = sequence
    bench.ledger.checkInvariants()
  }

  @Test func invalidTexts() {
    for (reference, note) in [([UInt8(0xFF)], []), ([], [0xC3]), ([0xC3], [0xA4])] as [([UInt8], [UInt8])] {
      var bench = Self.bench()
      var item = Entry.spend(90, 1, 1).item
      item.referenceBytes = UInt8(reference.count)
      item.noteBytes = UInt8(note.count)
      var bytes = [UInt8](repeating: 0, count: 64)
      bytes.withUnsafeMutableBytes { item.store(to: $0.baseAddress!) }
      #expect(bench.post(items: bytes, text: reference + note)[0].status == .textInvalid)
      item.id = 11
      bytes.withUnsafeMutableBytes { item.store(to: $0.baseAddress!) }
      #expect(bench.post(items: bytes, text: reference + note)[0].status == .textInvalid, "before idConflict")
    }
  }
}
