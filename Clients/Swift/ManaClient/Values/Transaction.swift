public import ManaProtocol

/// A transaction of an account's history.
public struct Transaction: Hashable, Sendable, Identifiable {
  /// Chosen by whoever posted it.
  public var id: TransactionID
  /// The account whose balance it changed.
  public var account: AccountID
  /// What it did to the balance.
  public var type: TransactionType
  /// What it was for.
  public var operation: Operation
  /// What was moved, never negative; see ``change`` for the sign.
  public var amount: Mana
  /// The account's balance after it.
  public var balanceAfter: Mana
  /// The server's clock when it was executed; strictly increasing within an account.
  public var timestamp: Timestamp
  /// 1, 2, 3 … within the account, without a gap.
  public var sequence: UInt32
  /// How many things the operation made (1000 combos, 500 files); 0 when it has no such number.
  public var quantity: Int
  /// Of a refund, the spend that it refunds.
  public var related: TransactionID?
  /// Of a spend, what has been refunded so far.
  public var refunded: Mana
  /// Of a spend, how its settlement stands.
  public var settlement: SettlementState
  /// Of a spend that asked for a settlement, the time within which it had to come.
  public var settlementTimeout: Duration?
  /// For machines: a payment's or a job's identifier; empty when it has none.
  public var reference: String
  /// For people: "operation failed", "$40 Creator Pack"; empty when it has none.
  public var note: String

  /// What it did to the balance: negative for a spend, positive for anything else.
  public var change: Mana { type == .spend ? -amount : amount }

  /// Of a spend, what can still be refunded; zero for anything else.
  public var refundable: Mana { type == .spend ? amount - refunded : .zero }
}

extension Transaction {
  /// Takes a transaction out of a reply; its texts start `textOffset` bytes into `text`.
  ///
  /// Throws `malformedBody` for codes that version 1 does not know.
  init(
    _ view: TransactionView, text: UnsafeRawBufferPointer, textOffset: Int
  ) throws(ProtocolError) {
    let item = view.item
    guard let type = TransactionType(rawValue: item.type), let operation = Operation(rawValue: item.operation),
      let settlement = view.settlement, let amount = Mana(exactlyMicromana: item.amount),
      let refunded = Mana(exactlyMicromana: view.refunded)
    else {
      throw ProtocolError(.malformedBody, "transaction \(view.sequence) has a code or an amount outside version 1")
    }
    let noteStart = textOffset + item.referenceBytes
    let noteEnd = noteStart + item.noteBytes
    guard noteEnd <= text.count else { throw ProtocolError(.malformedBody, "a text runs over the end of its area") }
    id = TransactionID(item.id)
    account = AccountID(item.account)
    self.type = type
    self.operation = operation
    self.amount = amount
    balanceAfter = Mana(micromana: view.balanceAfter)
    timestamp = Timestamp(nanoseconds: view.timestamp)
    sequence = view.sequence
    quantity = Int(item.quantity)
    related = type == .refund ? TransactionID(item.related) : nil
    self.refunded = refunded
    self.settlement = settlement
    let isSettled = type == .spend && item.flags.contains(.unsettled)
    settlementTimeout = isSettled ? .milliseconds(Int64(truncatingIfNeeded: item.related)) : nil
    reference = String(decoding: UnsafeRawBufferPointer(rebasing: text[textOffset..<noteStart]), as: UTF8.self)
    note = String(decoding: UnsafeRawBufferPointer(rebasing: text[noteStart..<noteEnd]), as: UTF8.self)
  }
}
