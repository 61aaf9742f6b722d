import ManaProtocol
import ManaTesting

private typealias S = Situation

private let account = S.account
private let aSpend = ItemDraft.spend(S.new, account, 1)
private let aPurchase = ItemDraft.purchase(S.new, account, 1)
private let aRefund = ItemDraft.refund(S.new, account, of: S.spend, 1)
private let aSettlement = ItemDraft.settlement(S.new, account, of: S.unsettled, used: 1)
private let notUTF8: [UInt8] = [0xFF]

extension StatusCase {
  /// Each status of an item by itself, in the order of the specification.
  static let single: [StatusCase] = [
    StatusCase("spend", .ok, aSpend),
    StatusCase("spend of everything", .ok, .spend(S.new, account, 9_500)),
    StatusCase("purchase", .ok, aPurchase),
    StatusCase("purchase for a new account", .ok, .purchase(S.new, S.unknown, 1)),
    StatusCase("bonus for a new account", .ok, .bonus(S.new, S.unknown, 1)),
    StatusCase("refund", .ok, aRefund),
    StatusCase("refund of the rest", .ok, .refund(S.new, account, of: S.halfRefunded, nil)),
    StatusCase("refund of exactly the rest", .ok, .refund(S.new, account, of: S.halfRefunded, 50)),
    StatusCase("refund of a settled spend's rest", .ok, .refund(S.new, account, of: S.settled, 60)),
    StatusCase("refund of the rest after a refund ended it", .ok, .refund(S.new, account, of: S.endedByRefund, 90)),
    StatusCase("refund of an unsettled spend", .ok, .refund(S.new, account, of: S.unsettled, 1)),
    StatusCase("settlement, failed", .ok, .settlement(S.new, account, of: S.unsettled, used: 0)),
    StatusCase("settlement, all used", .ok, .settlement(S.new, account, of: S.unsettled, used: nil)),
    StatusCase("settlement, everything by amount", .ok, .settlement(S.new, account, of: S.unsettled, used: 100)),
    StatusCase("the same outcome again", .ok, .settlement(S.new, account, of: S.settled, used: 60)),
    StatusCase("the same outcome by amount", .ok, .settlement(S.new, account, of: S.settledWhole, used: 100)),
    StatusCase("the same outcome, all used", .ok, .settlement(S.new, account, of: S.settledWhole, used: nil)),
    StatusCase("tombstone", .ok, .refund(S.new, account, of: 999, nil, voidIfUnknown: true)),
    StatusCase("tombstone again", .ok, .refund(S.new, account, of: S.voided, 7, voidIfUnknown: true)),
    StatusCase("the same purchase again", .ok, .purchase(S.purchase, account, 10_000)),
    StatusCase("the same settlement again", .ok, .settlement(S.settlement, account, of: S.settled, used: 60)),
    StatusCase("the same tombstone again", .ok, .refund(S.tombstone, account, of: S.voided, nil, voidIfUnknown: true)),
    StatusCase("an id of another account", .ok, .purchase(S.halfRefunded, S.full + 100, 1)),
    StatusCase("type 0", .unknownType, aSpend) { $0.item.type = 0 },
    StatusCase("type 6", .unknownType, aSpend) { $0.item.type = 6 },
    StatusCase("type 15", .unknownType, aSpend) { $0.item.type = 15 },
    StatusCase("purchase in spend", .typeMismatch, aPurchase, call: .spend),
    StatusCase("settlement in refund", .typeMismatch, aSettlement, call: .refund),
    StatusCase("operation 9", .unknownOperation, aSpend) { $0.item.operation = 9 },
    StatusCase("operation 255", .unknownOperation, aSettlement) { $0.item.operation = 255 },
    StatusCase("spend with operation 0", .unknownOperation, aSpend) { $0.item.operation = 0 },
    StatusCase("spend with operation purchase", .operationMismatch, aSpend) { $0.item.operation = 6 },
    StatusCase("refund with operation bonus", .operationMismatch, aRefund) { $0.item.operation = 8 },
    StatusCase("settlement with operation refund", .operationMismatch, aSettlement) { $0.item.operation = 7 },
    StatusCase("bit 7", .reservedFlag, aSpend) { $0.item.flags = ItemFlags(rawValue: 0x80) },
    StatusCase("spend with remaining", .reservedFlag, aSpend) { $0.item.flags = .remaining },
    StatusCase("settlement with voidIfUnknown", .reservedFlag, aSettlement) { $0.item.flags = .voidIfUnknown },
    StatusCase("refund with unsettled", .reservedFlag, aRefund) { $0.item.flags = .unsettled },
    StatusCase("purchase with unsettled", .reservedFlag, aPurchase) { $0.item.flags = .unsettled },
    StatusCase("id 0", .idMissing, aSpend) { $0.item.id = 0 },
    StatusCase("account 0", .accountMissing, aSpend) { $0.item.account = 0 },
    StatusCase("refund of nothing", .relatedMissing, aRefund) { $0.item.related = 0 },
    StatusCase("settlement of nothing", .relatedMissing, aSettlement) { $0.item.related = 0 },
    StatusCase("spend with related", .relatedNotAllowed, aSpend) { $0.item.related = 5_000 },
    StatusCase("purchase with related", .relatedNotAllowed, aPurchase) { $0.item.related = 1 << 100 },
    StatusCase("timeout 0", .settlementTimeoutOutOfRange, .spend(S.new, account, 1, timeout: 0)),
    StatusCase("timeout 999 ms", .settlementTimeoutOutOfRange, .spend(S.new, account, 1, timeout: 999)),
    StatusCase("timeout 1 s", .ok, .spend(S.new, account, 1, timeout: 1_000)),
    StatusCase("timeout 30 days", .ok, .spend(S.new, account, 1, timeout: 2_592_000_000)),
    StatusCase(
      "timeout 30 days and 1 ms", .settlementTimeoutOutOfRange, .spend(S.new, account, 1, timeout: 2_592_000_001)),
    StatusCase("timeout in the high half", .settlementTimeoutOutOfRange, .spend(S.new, account, 1, timeout: 5_000)) {
      $0.item.related |= 1 << 64
    },
    StatusCase("spend of 0", .amountZero, .spend(S.new, account, 0)),
    StatusCase("refund of 0", .amountZero, .refund(S.new, account, of: S.spend, 0)),
    StatusCase("refund of the rest and an amount", .amountNotAllowed, aRefund) { $0.item.flags = .remaining },
    StatusCase("settlement of all and an amount", .amountNotAllowed, aSettlement) { $0.item.flags = .remaining },
    StatusCase("2^63", .amountTooLarge, .purchase(S.new, account, 1 << 63)),
    StatusCase("2^64 - 1", .amountTooLarge, .spend(S.new, account, .max)),
    StatusCase("reference not UTF-8", .textInvalid, aSpend) { $0.reference = notUTF8 },
    StatusCase("note not UTF-8", .textInvalid, aSpend) { $0.note = notUTF8 },
    StatusCase("character over both texts", .textInvalid, aSpend) { ($0.reference, $0.note) = ([0xC3], [0xA4]) },
    StatusCase("longest texts", .ok, aSpend) {
      $0.reference = [UInt8](repeating: 0x61, count: 255)
      $0.note = [UInt8](String(repeating: "ä", count: 127).utf8)
    },
    StatusCase("id of a purchase", .idConflict, .spend(S.purchase, account, 1)),
    StatusCase("id of a settlement that refunded", .idConflict, .spend(S.settlement, account, 1)),
    StatusCase("id of a settlement that did not", .idConflict, .spend(S.settlementWhole, account, 1)),
    StatusCase("id of a tombstone's refund", .idConflict, .spend(S.tombstone, account, 1)),
    StatusCase("refund like a settlement's", .idConflict, .refund(S.settlement, account, of: S.settled, 40)),
    StatusCase("voided", .voided, .spend(S.voided, account, 1)),
    StatusCase("purchase with a voided id", .ok, .purchase(S.voided, account, 1)),
    StatusCase("voided in another account", .insufficientBalance, .spend(S.voided, S.spentOut, 2)),
    StatusCase("spend without account", .accountUnknown, .spend(S.new, S.unknown, 1)),
    StatusCase("refund without account", .accountUnknown, .refund(S.new, S.unknown, of: S.spend, 1)),
    StatusCase("void without account", .accountUnknown, .refund(S.new, S.unknown, of: 2, 1, voidIfUnknown: true)),
    StatusCase("settlement without account", .accountUnknown, .settlement(S.new, S.unknown, of: 2, used: 0)),
    StatusCase("refund of the unknown", .originalUnknown, .refund(S.new, account, of: 999, 1)),
    StatusCase("refund of the voided", .originalUnknown, .refund(S.new, account, of: S.voided, 1)),
    StatusCase("refund of itself", .originalUnknown, .refund(S.new, account, of: S.new, 1)),
    StatusCase("refund of an instruction", .originalUnknown, .refund(S.new, account, of: S.settlementWhole, 1)),
    StatusCase("refund of a tombstone", .originalUnknown, .refund(S.new, account, of: S.tombstone, 1)),
    StatusCase("refund of another account's", .originalUnknown, .refund(S.new, S.full, of: S.spend, 1)),
    StatusCase("settlement of the unknown", .originalUnknown, .settlement(S.new, account, of: 999, used: 0)),
    StatusCase("refund of a purchase", .originalNotSpend, .refund(S.new, account, of: S.purchase, 1)),
    StatusCase("refund of a refund", .originalNotSpend, .refund(S.new, account, of: S.refund, 1)),
    StatusCase("refund of a settlement's refund", .originalNotSpend, .refund(S.new, account, of: S.settlement, 1)),
    StatusCase(
      "void of a purchase", .originalNotSpend, .refund(S.new, account, of: S.purchase, 1, voidIfUnknown: true)),
    StatusCase("settlement of a purchase", .originalNotSpend, .settlement(S.new, account, of: S.purchase, used: 0)),
    StatusCase("settlement not asked for", .settlementNotExpected, .settlement(S.new, account, of: S.spend, used: 0)),
    StatusCase("settled otherwise", .alreadySettled, .settlement(S.new, account, of: S.settled, used: 59)),
    StatusCase("settled as failed", .alreadySettled, .settlement(S.new, account, of: S.settledWhole, used: 0)),
    StatusCase("ended by a refund", .alreadyRefunded, .settlement(S.new, account, of: S.endedByRefund, used: 90)),
    StatusCase("timed out", .settlementTimedOut, .settlement(S.new, account, of: S.timedOut, used: 0)),
    StatusCase("more used than charged", .usedExceedsAmount, .settlement(S.new, account, of: S.unsettled, used: 101)),
    StatusCase("nothing left", .nothingToRefund, .refund(S.new, account, of: S.refunded, 1)),
    StatusCase("no rest left", .nothingToRefund, .refund(S.new, account, of: S.refunded, nil)),
    StatusCase("nothing left by the timeout", .nothingToRefund, .refund(S.new, account, of: S.timedOut, nil)),
    StatusCase("more than charged", .refundExceedsOriginal, .refund(S.new, account, of: S.spend, 101)),
    StatusCase("more than left", .refundExceedsOriginal, .refund(S.new, account, of: S.halfRefunded, 51)),
    StatusCase("one too many", .insufficientBalance, .spend(S.new, account, 9_501)),
    StatusCase("far too many", .insufficientBalance, .spend(S.new, account, Limits.amountMax)),
    StatusCase("full balance", .balanceOverflow, .purchase(S.new, S.full, 1)),
    StatusCase("full balance, bonus", .balanceOverflow, .bonus(S.new, S.full, Limits.amountMax)),
    StatusCase("full lifetime", .balanceOverflow, .purchase(S.new, S.spentOut, 2)),
    StatusCase("lifetime to the brim", .ok, .purchase(S.new, S.spentOut, 1)),
  ]

  /// Items with two defects: the one that stands earlier in the specification is given.
  static let pairs: [StatusCase] = [
    StatusCase("type and operation", .unknownType, aSpend) { ($0.item.type, $0.item.operation) = (0, 9) },
    StatusCase("unknown type in a call", .unknownType, aSpend, call: .refund) { $0.item.type = 9 },
    StatusCase("call and operation", .typeMismatch, aSpend, call: .refund) { $0.item.operation = 9 },
    StatusCase("reserved operation and flag", .unknownOperation, aSpend) {
      ($0.item.operation, $0.item.flags) = (9, ItemFlags(rawValue: 0x80))
    },
    StatusCase("operation and flag", .operationMismatch, aSpend) {
      ($0.item.operation, $0.item.flags) = (6, .remaining)
    },
    StatusCase("flag and id", .reservedFlag, aSpend) { ($0.item.flags, $0.item.id) = (.voidIfUnknown, 0) },
    StatusCase("id and account", .idMissing, aSpend) { ($0.item.id, $0.item.account) = (0, 0) },
    StatusCase("account and related", .accountMissing, aRefund) { ($0.item.account, $0.item.related) = (0, 0) },
    StatusCase("account and amount", .accountMissing, .spend(S.new, 0, 0)),
    StatusCase("no related and no amount", .relatedMissing, .refund(S.new, account, of: 0, 0)),
    StatusCase("related and no amount", .relatedNotAllowed, .purchase(S.new, account, 0)) { $0.item.related = 1 },
    StatusCase("timeout and no amount", .settlementTimeoutOutOfRange, .spend(S.new, account, 0, timeout: 1)),
    StatusCase("no amount and text", .amountZero, .spend(S.new, account, 0)) { $0.note = notUTF8 },
    StatusCase("an amount too many, too large", .amountNotAllowed, aRefund) {
      ($0.item.flags, $0.item.amount) = (.remaining, .max)
    },
    StatusCase("amount and text", .amountTooLarge, .spend(S.new, account, 1 << 63)) { $0.reference = notUTF8 },
    StatusCase("text and known id", .textInvalid, .spend(S.purchase, account, 1)) { $0.note = notUTF8 },
    StatusCase("text and unknown account", .textInvalid, .spend(S.new, S.unknown, 1)) { $0.note = notUTF8 },
    StatusCase("known id and too little", .idConflict, .spend(S.purchase, account, Limits.amountMax)),
    StatusCase("known id and unknown original", .idConflict, .refund(S.purchase, account, of: 999, 1)),
    StatusCase(
      "known id and settled otherwise", .idConflict, .settlement(S.settlement, account, of: S.settled, used: 1)),
    StatusCase("known id and the same outcome", .idConflict, .settlement(S.spend, account, of: S.settled, used: 60)),
    StatusCase("the same again, with too little left", .ok, .refund(109, account, of: S.halfRefunded, 50)),
    StatusCase("voided and too little", .voided, .spend(S.voided, account, Limits.amountMax)),
    StatusCase("account and original", .accountUnknown, .refund(S.new, S.unknown, of: 999, 1)),
    StatusCase("not a spend and too much", .originalNotSpend, .refund(S.new, account, of: S.purchase, 10_001)),
    StatusCase(
      "not expected and too much", .settlementNotExpected, .settlement(S.new, account, of: S.spend, used: 101)),
    StatusCase("settled and too much", .alreadySettled, .settlement(S.new, account, of: S.settled, used: 101)),
    StatusCase("refunded and too much", .alreadyRefunded, .settlement(S.new, account, of: S.endedByRefund, used: 101)),
    StatusCase("timed out and too much", .settlementTimedOut, .settlement(S.new, account, of: S.timedOut, used: 101)),
    StatusCase("nothing left and too much", .nothingToRefund, .refund(S.new, account, of: S.refunded, 101)),
    StatusCase("too much and overflow", .refundExceedsOriginal, .refund(S.new, S.spentOut, of: 4, Limits.amountMax)),
    StatusCase("too little and overflow", .insufficientBalance, .spend(S.new, S.spentOut, 3)),
  ]

  /// Spends, refunds and settlements that repeat an id with one field changed, and the field.
  static let conflicts: [(name: String, draft: ItemDraft, field: ConflictField)] = {
    let spend = ItemDraft.spend(S.spend, account, 100)
    let refund = ItemDraft.refund(S.refund, account, of: S.halfRefunded, 50)
    let settlement = ItemDraft.settlement(S.settlement, account, of: S.settled, used: 60)
    func changed(_ draft: ItemDraft, _ change: (inout ItemDraft) -> Void) -> ItemDraft {
      var draft = draft
      change(&draft)
      return draft
    }
    return [
      ("type", .purchase(S.spend, account, 100), .type),
      ("type and amount", .bonus(S.spend, account, 1), .type),
      ("operation", changed(spend) { $0.item.operation = 2 }, .operation),
      ("operation and amount", changed(spend) { ($0.item.operation, $0.item.amount) = (2, 1) }, .operation),
      ("amount", changed(spend) { $0.item.amount = 99 }, .amount),
      ("amount and quantity", changed(spend) { ($0.item.amount, $0.item.quantity) = (99, 1) }, .amount),
      ("rest for an amount", .refund(S.refund, account, of: S.halfRefunded, nil), .amount),
      ("an amount for the rest", .refund(108, account, of: S.refunded, 100), .amount),
      ("quantity", changed(spend) { $0.item.quantity = 1 }, .quantity),
      ("quantity and related", changed(refund) { ($0.item.quantity, $0.item.related) = (1, 2) }, .quantity),
      ("related", changed(refund) { $0.item.related = S.spend }, .related),
      ("a timeout more", .spend(S.spend, account, 100, timeout: 1_000), .related),
      ("another timeout", .spend(S.unsettled, account, 100, timeout: 60_001), .related),
      ("flags", changed(refund) { $0.item.flags = .voidIfUnknown }, .flags),
      ("flags and reference", changed(refund) { ($0.item.flags, $0.reference) = (.voidIfUnknown, [0x61]) }, .flags),
      ("reference", changed(spend) { $0.reference = [0x61] }, .reference),
      ("reference and note", changed(spend) { ($0.reference, $0.note) = ([0x61], [0x61]) }, .reference),
      ("note", changed(spend) { $0.note = [0x61] }, .note),
      ("settlement, amount", changed(settlement) { $0.item.amount = 59 }, .amount),
      ("settlement, related", changed(settlement) { $0.item.related = S.unsettled }, .related),
      ("settlement, note", changed(settlement) { $0.note = [0x61] }, .note),
      ("all used, by amount", .settlement(S.settlementWhole, account, of: S.settledWhole, used: 100), .amount),
      ("all used, as failed", .settlement(S.settlementWhole, account, of: S.settledWhole, used: 0), .flags),
      ("tombstone, amount", .refund(S.tombstone, account, of: S.voided, 1, voidIfUnknown: true), .amount),
      ("tombstone, flags", .refund(S.tombstone, account, of: S.voided, nil), .flags),
    ]
  }()
}
