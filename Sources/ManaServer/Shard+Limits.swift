import Logging
import ManaAccess
import ManaAudit
import ManaProtocol
import ManaText

/// What a caller may do at most, of what its roles allow.
extension Shard {
  /// Refuses a batch with an item that is beyond the limits of the caller's credential. Linear, and for callers with
  /// limits only.
  ///
  /// A refund of all that is left and a settlement name no amount that is moved: they give back what a spend took.
  func checkLimits(_ batch: BatchView, _ opcode: Opcode, of session: Session) throws(ProtocolError) {
    guard let limits = session.limits else { return }
    for index in 0..<batch.count {
      let item = batch[index]
      try check(item.account, limits, detail: index)
      let type = opcode.itemType ?? TransactionType(rawValue: item.type)
      if let most = limits.amountMax, item.amount > most, type != .settlement {
        throw ProtocolError(
          .amountAboveLimit,
          "item \(index) is about \(LedgerText.mana(item.amount)) Mana; the caller's credential allows "
            + "\(LedgerText.mana(most)) at most", detail: index)
      }
    }
  }

  /// Refuses a read of an account that the caller's credential does not cover.
  func checkAccount(_ account: UInt128, of session: Session) throws(ProtocolError) {
    if let limits = session.limits { try check(account, limits, detail: 0) }
  }

  private func check(_ account: UInt128, _ limits: CallerLimits, detail: Int) throws(ProtocolError) {
    guard let accounts = limits.accounts, !accounts.contains(account) else { return }
    throw ProtocolError(
      .accountNotAllowed,
      "the caller's credential covers accounts that begin with \(accounts), not \(LedgerText.id(account))",
      detail: detail)
  }

  /// Takes what a batch is to credit from what the caller's credential may credit in this day; nil for one without such a
  /// limit.
  func claim(_ amount: UInt64, of session: Session) throws(ProtocolError) -> CreditUsage.Claim? {
    guard let limit = session.limits?.creditPerDayMax, let credential = session.credential else { return nil }
    switch context.creditUsage.claim(amount, of: credential.identity, limit: limit, at: now) {
    case .granted(let claim): return claim
    case .exceeded(let left):
      throw ProtocolError(
        .creditAboveLimit,
        "\(LedgerText.mana(amount)) Mana are more than the \(LedgerText.mana(left)) that the caller's credential may "
          + "still credit today, of \(LedgerText.mana(limit)) a day of UTC")
    case .unrecorded(let error):
      logger.error("credits are refused: the sums of the day cannot be written", metadata: ["error": "\(error)"])
      throw ProtocolError(
        .overloaded, "the sum of the day's credits cannot be written; nothing was credited, send the request again")
    }
  }

  /// The amounts of the purchases and bonuses that were posted, and had not been before. Linear.
  func credited(
    _ items: UnsafeRawPointer, count: Int, itemType: TransactionType?, results: UnsafeRawPointer, stride: Int
  ) -> UInt64 {
    var sum: UInt64 = 0
    for index in 0..<count {
      let type = itemType ?? TransactionType(rawValue: ItemView(items + index * Item.bytes).type)
      guard type == .purchase || type == .bonus,
        let result = ItemResult(reading: results + index * stride, stride: stride), result.status == .ok,
        !result.replayed
      else { continue }
      sum += result.amount
    }
    return sum
  }
}

/// What was asked for before Mana is made; whoever has one says in the end what came of it.
struct CreditPermit {
  /// What the audit log is told, which keeps a place for it; nil without an audit log.
  var entry: AuditEntry?
  /// What was taken from the rest of the caller's day; nil for a caller without a limit on it.
  var claim: CreditUsage.Claim?
}
