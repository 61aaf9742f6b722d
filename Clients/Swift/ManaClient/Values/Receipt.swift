internal import ManaProtocol

/// The ledger's word that a transaction is executed and on disk.
public struct Receipt: Hashable, Sendable, Identifiable {
  /// The id that the transaction was posted with.
  public var id: TransactionID
  /// The transaction's sequence number within its account.
  ///
  /// 0 when nothing had to be posted: a settlement that refunds nothing, or a refund that voided a spend the ledger
  /// had not seen (see ``ManaClient/refund(_:of:amount:id:voidIfUnknown:reference:note:deadline:coalescing:)``).
  public var sequence: UInt32
  /// What was moved, resolved when everything that was left was asked for.
  public var amount: Mana
  /// The account's balance after it.
  public var balanceAfter: Mana
  /// When it was executed. The beginning of 1970 when nothing had to be posted.
  public var timestamp: Timestamp
  /// The transaction had been executed before, and this is the original result: nothing was charged twice.
  public var replayed: Bool
  /// What can still be refunded of the spend concerned.
  public var refundable: Mana

  /// Whether a transaction stands in the history for this.
  public var isRecorded: Bool { sequence != 0 }
}

extension Receipt {
  /// Throws `malformedBody` for an amount above 2^63 − 1.
  init(_ result: ItemResult, id: TransactionID) throws(ProtocolError) {
    guard let amount = Mana(exactlyMicromana: result.amount), let refundable = Mana(exactlyMicromana: result.refundable)
    else {
      throw ProtocolError(.malformedBody, "a result with an amount above 2^63 − 1 micromana")
    }
    self.init(
      id: id, sequence: result.sequence, amount: amount, balanceAfter: Mana(micromana: result.balance),
      timestamp: Timestamp(nanoseconds: result.timestamp), replayed: result.replayed, refundable: refundable)
  }
}

/// How an operation that was charged in advance ended.
public enum SettlementOutcome: Hashable, Sendable {
  /// It succeeded; the charge stands.
  case succeeded
  /// It succeeded for less than it was charged; the difference is refunded.
  case succeededUsing(Mana)
  /// It failed; everything is refunded.
  case failed
}
