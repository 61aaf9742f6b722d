import ManaProtocol
import ManaTesting

/// A ledger in which every status can be reached with one more item.
///
/// Account 42 has bought 10,000 and has a spend of 100 in every state; account 43 is as full as a balance can be;
/// account 44 has as little room in its lifetime total; account 77 is unknown.
enum Situation {
  static let start: UInt64 = 1_800_000_000_000_000_000
  /// After the timeout of `timedOut`, before that of `unsettled`.
  static let now = start + 5_000_000_000

  static let account: UInt128 = 42
  static let full: UInt128 = 43
  static let spentOut: UInt128 = 44
  static let unknown: UInt128 = 77

  static let purchase: UInt128 = 1
  static let spend: UInt128 = 2
  static let unsettled: UInt128 = 3
  static let settled: UInt128 = 4
  static let settledWhole: UInt128 = 5
  static let endedByRefund: UInt128 = 6
  static let timedOut: UInt128 = 7
  static let refunded: UInt128 = 8
  static let halfRefunded: UInt128 = 9
  static let voided: UInt128 = 10
  /// An id that no item has.
  static let new: UInt128 = 500

  static let settlement: UInt128 = 104
  static let settlementWhole: UInt128 = 105
  static let refund: UInt128 = 109
  static let tombstone: UInt128 = 110

  static let items: [ItemDraft] =
    [
      .purchase(purchase, account, 10_000),
      .spend(spend, account, 100),
      .spend(unsettled, account, 100, timeout: 60_000),
      .spend(settled, account, 100, timeout: 60_000),
      .spend(settledWhole, account, 100, timeout: 60_000),
      .spend(endedByRefund, account, 100, timeout: 60_000),
      .spend(timedOut, account, 100, timeout: 1_000),
      .spend(refunded, account, 100),
      .spend(halfRefunded, account, 100),
      .settlement(settlement, account, of: settled, used: 60),
      .settlement(settlementWhole, account, of: settledWhole, used: nil),
      .refund(106, account, of: endedByRefund, 10),
      .refund(108, account, of: refunded, nil),
      .refund(refund, account, of: halfRefunded, 50),
      .refund(tombstone, account, of: voided, nil, voidIfUnknown: true),
      .purchase(purchase, full, Limits.amountMax),
      .purchase(purchase, spentOut, Limits.amountMax),
      .spend(spend, spentOut, Limits.amountMax),
      .purchase(3, spentOut, Limits.amountMax),
      .spend(4, spentOut, Limits.amountMax),
      .refund(104, spentOut, of: 4, 1),
    ]

  /// Posts everything, lets `timedOut` time out, and returns the results.
  static func prepare(_ subject: any LedgerSubject) -> PostAnswer {
    let answer = subject.post(ItemBatch(items), now: start)
    _ = subject.expire(now: now, limit: 10)
    return answer
  }

  static func prepare(_ reference: inout ReferenceLedger) -> PostReport {
    let report = reference.post(ItemBatch(items), now: start)
    _ = reference.expire(now: now, limit: 10)
    return report
  }
}

/// One item on top of the situation, and the status that it must get.
struct StatusCase: CustomStringConvertible, Sendable {
  var description: String
  var draft: ItemDraft
  var itemType: TransactionType?
  var expected: Status

  init(_ description: String, _ expected: Status, _ draft: ItemDraft, call itemType: TransactionType? = nil) {
    self.description = description
    self.draft = draft
    self.itemType = itemType
    self.expected = expected
  }

  /// The case with a change in its item.
  init(
    _ description: String, _ expected: Status, _ draft: ItemDraft, call itemType: TransactionType? = nil,
    but change: (inout ItemDraft) -> Void
  ) {
    var draft = draft
    change(&draft)
    self.init(description, expected, draft, call: itemType)
  }
}
