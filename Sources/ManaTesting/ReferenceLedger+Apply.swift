import ManaProtocol

extension ReferenceLedger {
  mutating func spend(_ draft: ItemDraft, now: UInt64) -> ItemResult {
    let item = draft.item
    guard isKnown(item.account) else { return ItemResult(status: .accountUnknown) }
    if accounts[item.account]!.voided.contains(item.id) { return ItemResult(status: .voided) }
    if balance(of: item.account) < Int64(item.amount) { return ItemResult(status: .insufficientBalance) }
    return append(draft, sentAs: draft, of: accounts[item.account]!.transactions.count, now: now)
  }

  mutating func credit(_ draft: ItemDraft, now: UInt64) -> ItemResult {
    append(draft, sentAs: draft, of: nil, now: now)
  }

  mutating func refund(_ draft: ItemDraft, now: UInt64) -> ItemResult {
    let item = draft.item
    guard isKnown(item.account) else { return ItemResult(status: .accountUnknown) }
    guard let index = accounts[item.account]!.accepted[item.related]?.transaction else {
      guard item.flags.contains(.voidIfUnknown) else { return ItemResult(status: .originalUnknown) }
      accounts[item.account]!.voided.insert(item.related)
      return acceptWithoutTransaction(draft, of: nil, now: now)
    }
    let original = accounts[item.account]!.transactions[index]
    if original.type != .spend { return ItemResult(status: .originalNotSpend) }
    if original.refundable == 0 { return ItemResult(status: .nothingToRefund) }
    if item.amount > original.refundable { return refused(.refundExceedsOriginal, original) }
    var shown = draft
    if item.flags.contains(.remaining) { shown.item.amount = original.refundable }
    let result = append(shown, sentAs: draft, of: index, now: now)
    if result.status != .ok { return refused(result.status, original) }
    if original.settlement == .unsettled {
      endSettlement(account: item.account, index: index, as: .refunded)
    }
    return result
  }

  /// Once its spend is known, a refund or a settlement is told what is left of it, also when it is refused.
  func refused(_ status: Status, _ original: ReferenceTransaction) -> ItemResult {
    ItemResult(status: status, refundable: original.refundable)
  }

  /// Posts a transaction unless a sum would not fit.
  ///
  /// - Parameters:
  ///   - shown: What the history shows.
  ///   - sent: What a repetition is compared with.
  ///   - spendIndex: The index of the spend that this is or refunds.
  mutating func append(
    _ shown: ItemDraft, sentAs sent: ItemDraft, of spendIndex: Int?, now: UInt64
  ) -> ItemResult {
    let item = shown.item
    let type = TransactionType(rawValue: item.type)!
    var account = accounts.removeValue(forKey: item.account) ?? Account()
    let exists = !account.transactions.isEmpty
    defer { if exists || !account.transactions.isEmpty { accounts[item.account] = account } }
    let change = type == .spend ? -Int64(item.amount) : Int64(item.amount)
    let (balance, balanceOverflows) = account.balance.addingReportingOverflow(change)
    let (total, totalOverflows) = account.lifetime[type, default: 0].addingReportingOverflow(item.amount)
    if balanceOverflows || totalOverflows { return ItemResult(status: .balanceOverflow) }

    lastTimestamp = max(lastTimestamp + 1, now)
    account.lifetime[type] = total
    var transaction = ReferenceTransaction(
      shown: shown, balanceAfter: balance, timestamp: lastTimestamp, sequence: UInt32(account.transactions.count + 1))
    if item.flags.contains(.unsettled) {
      transaction.settlement = .unsettled
      unsettled[lastTimestamp] = UnsettledSpend(
        account: item.account, index: account.transactions.count,
        deadline: lastTimestamp + UInt64(item.related) * 1_000_000)
    }
    account.transactions.append(transaction)
    if type == .refund { account.transactions[spendIndex!].refunded += item.amount }
    let result = ItemResult(
      status: .ok, sequence: transaction.sequence, amount: item.amount, balance: balance, timestamp: lastTimestamp,
      refundable: spendIndex.map { account.transactions[$0].refundable } ?? 0)
    account.accepted[item.id] = Acceptance(
      sent: sent, result: result, transaction: account.transactions.count - 1, spend: spendIndex)
    return result
  }

  /// Accepts an item that leaves the history as it is: a tombstone, or a settlement that refunds nothing. It has a
  /// time of its own, and its id is taken.
  mutating func acceptWithoutTransaction(_ draft: ItemDraft, of spendIndex: Int?, now: UInt64) -> ItemResult {
    lastTimestamp = max(lastTimestamp + 1, now)
    let account = draft.item.account
    let result = ItemResult(
      status: .ok, balance: balance(of: account), timestamp: lastTimestamp,
      refundable: spendIndex.map { accounts[account]!.transactions[$0].refundable } ?? 0)
    accounts[account]!.accepted[draft.item.id] = Acceptance(
      sent: draft, result: result, transaction: nil, spend: spendIndex)
    return result
  }
}
