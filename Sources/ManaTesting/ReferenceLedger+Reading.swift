public import ManaProtocol

extension ReferenceLedger {
  /// Every transaction that a listing finds, from its start to its end, as if a page had no limit. Nil when the
  /// account is unknown.
  public func list(_ query: HistoryQuery, reference: [UInt8]) -> [ReferenceTransaction]? {
    guard let account = accounts[query.account] else { return nil }
    let inOrder = query.oldestFirst ? account.transactions : account.transactions.reversed()
    return inOrder.filter { transaction in
      if query.start == 0 { return true }
      return query.oldestFirst ? transaction.sequence >= query.start : transaction.sequence <= query.start
    }.filter { Self.matches($0, query, reference: reference) }
  }

  static func matches(_ transaction: ReferenceTransaction, _ query: HistoryQuery, reference: [UInt8]) -> Bool {
    let item = transaction.shown.item
    if query.types != 0 && query.types & 1 << item.type == 0 { return false }
    if query.operations != 0 && query.operations & 1 << item.operation == 0 { return false }
    if transaction.timestamp < query.timeFrom { return false }
    if query.timeTo != 0 && transaction.timestamp >= query.timeTo { return false }
    if item.amount < query.amountMin { return false }
    if query.amountMax != 0 && item.amount > query.amountMax { return false }
    // What an unsettled spend has in the place of a related id is its timeout.
    let related = transaction.type == .spend ? 0 : item.related
    if query.related != 0 && related != query.related { return false }
    return reference.isEmpty || transaction.shown.reference == reference
  }

  /// The unsettled spends of an account from `start` on, newest first. Nil when the account is unknown.
  public func listUnsettled(account: UInt128, start: UInt64) -> [ReferenceTransaction]? {
    accounts[account]?.transactions.reversed().filter {
      $0.settlement == .unsettled && (start == 0 || $0.sequence <= start)
    }
  }

  /// The transaction with that id. Nil when the account has none.
  public func lookup(account: UInt128, id: UInt128) -> ReferenceTransaction? {
    accounts[account]?.transactions.first { $0.shown.item.id == id }
  }

  /// What the balance was at a moment. Nil when the account is unknown.
  public func balance(of account: UInt128, at time: UInt64) -> BalanceAt? {
    guard let account = accounts[account] else { return nil }
    guard let last = account.transactions.last(where: { $0.timestamp <= time }) else {
      return BalanceAt(balance: 0, sequence: 0, timestamp: 0)
    }
    return BalanceAt(balance: last.balanceAfter, sequence: UInt64(last.sequence), timestamp: last.timestamp)
  }

  /// The sums of an account, added up from its first transaction to its last. Nil when it is unknown.
  public func overview(of id: UInt128) -> AccountOverview? {
    guard let account = accounts[id], let first = account.transactions.first, let last = account.transactions.last
    else { return nil }
    var totals = [OperationTotal](repeating: OperationTotal(), count: Operation.allCases.count)
    for transaction in account.transactions {
      totals[Int(transaction.shown.item.operation) - 1].amount += transaction.shown.item.amount
      totals[Int(transaction.shown.item.operation) - 1].count += 1
    }
    let unsettled = account.transactions.filter { $0.settlement == .unsettled }
    return AccountOverview(
      account: id, balance: last.balanceAfter, unsettled: unsettled.reduce(0) { $0 + $1.shown.item.amount },
      unsettledCount: UInt64(unsettled.count), transactions: UInt64(account.transactions.count),
      firstTimestamp: first.timestamp, lastTimestamp: last.timestamp, operations: totals)
  }
}
