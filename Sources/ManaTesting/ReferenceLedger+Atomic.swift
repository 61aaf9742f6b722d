import ManaProtocol

extension ReferenceLedger {
  /// What an atomic batch can change, as it was before: the end of its account's history, the spends that its items
  /// name, the ids that they take, and sums. A copy of the whole ledger would be simpler still, but a history of a
  /// million transactions cannot be copied for each batch.
  struct Before {
    var account: UInt128
    var exists: Bool
    var transactionCount: Int
    /// The transactions that items of the batch name, by their index.
    var named: [Int: ReferenceTransaction] = [:]
    /// The ids of the batch that are not taken yet.
    var newIDs: Set<UInt128>
    var voided: Set<UInt128>
    var lifetime: [TransactionType: UInt64]
    var unsettled: [UInt64: UnsettledSpend]
    var lastTimestamp: UInt64

    init(_ batch: ItemBatch, in ledger: ReferenceLedger) {
      account = batch.drafts[0].item.account
      precondition(batch.drafts.allSatisfy { [account] in $0.item.account == account }, "atomic over several accounts")
      let known = ledger.accounts[account] ?? Account()
      exists = ledger.isKnown(account)
      transactionCount = known.transactions.count
      newIDs = Set(batch.drafts.map(\.item.id).filter { known.accepted[$0] == nil })
      for draft in batch.drafts {
        guard let index = known.accepted[draft.item.related]?.transaction else { continue }
        named[index] = known.transactions[index]
      }
      voided = known.voided
      lifetime = known.lifetime
      unsettled = ledger.unsettled
      lastTimestamp = ledger.lastTimestamp
    }
  }

  /// Goes back to how everything was before an atomic batch.
  mutating func restore(_ before: Before) {
    lastTimestamp = before.lastTimestamp
    unsettled = before.unsettled
    guard before.exists else {
      accounts[before.account] = nil
      return
    }
    var account = accounts.removeValue(forKey: before.account)!
    account.transactions.removeSubrange(before.transactionCount...)
    for (index, transaction) in before.named { account.transactions[index] = transaction }
    for id in before.newIDs { account.accepted[id] = nil }
    account.voided = before.voided
    account.lifetime = before.lifetime
    accounts[before.account] = account
  }
}
