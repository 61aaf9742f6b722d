import ManaLedger
import ManaProtocol

extension ReferenceLedger {
  mutating func settle(_ draft: ItemDraft, now: UInt64) -> ItemResult {
    let item = draft.item
    guard isKnown(item.account) else { return ItemResult(status: .accountUnknown) }
    guard let index = accounts[item.account]!.accepted[item.related]?.transaction else {
      return ItemResult(status: .originalUnknown)
    }
    let original = accounts[item.account]!.transactions[index]
    if original.type != .spend { return ItemResult(status: .originalNotSpend) }
    let used = item.flags.contains(.remaining) ? original.shown.item.amount : item.amount
    switch original.settlement {
    case .none: return refused(.settlementNotExpected, original)
    case .settled: return repeated(original, used: used)
    case .refunded: return refused(.alreadyRefunded, original)
    case .timedOut: return refused(.settlementTimedOut, original)
    case .unsettled: break
    }
    if used > original.shown.item.amount { return refused(.usedExceedsAmount, original) }
    let result: ItemResult
    if used == original.shown.item.amount {
      result = acceptWithoutTransaction(draft, of: index, now: now)
    } else {
      result = append(
        refundShown(for: draft, amount: original.shown.item.amount - used), sentAs: draft, of: index, now: now)
    }
    if result.status != .ok { return refused(result.status, original) }
    endSettlement(account: item.account, index: index, as: .settled)
    accounts[item.account]!.transactions[index].settled = (used, result)
    return result
  }

  /// Posts the refunds of the settlements whose time has passed at `now`, at most `limit` of them, the earliest
  /// deadline first, and of equal deadlines the older spend first. One that has no room is put off. Returns the number
  /// of refunds.
  public mutating func expire(now: UInt64, limit: Int) -> Int {
    let due = unsettled.filter { $0.value.due <= now }.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
    var posted = 0
    for (time, entry) in due.prefix(limit) {
      let spend = accounts[entry.account]!.transactions[entry.index].shown.item
      var id = timeoutID(spend.id)
      while accounts[entry.account]!.accepted[id] != nil { id = timeoutID(id) }
      let refund = ItemDraft(
        Item(
          id: id, account: entry.account, related: spend.id,
          amount: spend.amount, type: .refund, operation: .refund), note: [UInt8]("timeout".utf8))
      let result = append(refund, sentAs: refund, of: entry.index, now: now)
      guard result.status == .ok else {
        unsettled[time]!.postponed = now + LedgerLimits.timeoutRetryNanoseconds
        continue
      }
      endSettlement(account: entry.account, index: entry.index, as: .timedOut)
      posted += 1
    }
    return posted
  }

  /// When the next settlement's time passes, in nanoseconds since 1970.
  public var nextDeadline: UInt64? { unsettled.values.map(\.due).min() }

  /// The server was started again: what was put off is due again.
  mutating func restart() {
    for time in unsettled.keys { unsettled[time]!.postponed = nil }
  }

  mutating func endSettlement(account: UInt128, index: Int, as state: SettlementState) {
    accounts[account]!.transactions[index].settlement = state
    unsettled[accounts[account]!.transactions[index].timestamp] = nil
  }

  /// Settling again with the same outcome is a replay; the outcome is what was used, however it was expressed.
  private func repeated(_ original: ReferenceTransaction, used: UInt64) -> ItemResult {
    let settled = original.settled!
    guard settled.used == used else { return refused(.alreadySettled, original) }
    var result = settled.result
    result.replayed = true
    result.refundable = original.refundable
    return result
  }

  /// The refund that a settlement posts: the item's id and texts; nothing else of it says anything about a refund but
  /// the quantity, which stays too.
  private func refundShown(for settlement: ItemDraft, amount: UInt64) -> ItemDraft {
    var shown = settlement
    shown.item.type = TransactionType.refund.rawValue
    shown.item.operation = Operation.refund.rawValue
    shown.item.flags = []
    shown.item.amount = amount
    return shown
  }
}
