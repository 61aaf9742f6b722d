import ManaProtocol

extension Ledger {
  /// The position of a spend by its id, which the account must have.
  func spendPosition(_ id: UInt128, of account: UInt128) -> UInt64 {
    let hash = hashing.transaction(accountHash: hashing.account(account), id)
    let found = match(id, of: account, hash: hash).position
    precondition(found != 0, "a refund names a spend that exists")
    return found
  }

  /// What can still be refunded of the spend at a position. Constant time.
  func refundable(_ position: UInt64) -> UInt64 {
    let amount = records.record(at: position).item.amount
    guard let number = spends.find(position, hash: hashing.position(position)) else { return amount }
    return amount - spends[number].refunded
  }

  /// What a refund or a settlement names.
  enum Original {
    case unknown
    case notSpend
    case spend(UInt64)
  }

  func original(_ related: UInt128, of account: UInt128, accountHash: UInt64) -> Original {
    let hash = hashing.transaction(accountHash: accountHash, related)
    let position = match(related, of: account, hash: hash).position
    // A settlement that refunded nothing and a tombstone have ids, but they are no transactions.
    if position == 0 || records.record(at: position).sequence == 0 { return .unknown }
    return records.record(at: position).item.type == RecordType.spend ? .spend(position) : .notSpend
  }

  @inline(never)
  mutating func refund(
    _ item: ItemView, _ account: Account, _ prepared: Prepared, _ turn: Turn, _ writer: inout RecordWriter
  ) -> ItemResult {
    let spendPosition: UInt64
    switch original(item.related, of: item.account, accountHash: prepared.accountHash) {
    case .unknown:
      guard item.flags.contains(.voidIfUnknown) else { return refused(.originalUnknown, account) }
      let position = writer.position
      let result = appendAside(item, turn.text, type: RecordType.tombstone, account, prepared, turn.now, &writer)
      bury(position, accountHash: prepared.accountHash)
      return result
    case .notSpend: return refused(.originalNotSpend, account)
    case .spend(let position): spendPosition = position
    }
    let left = refundable(spendPosition)
    guard left > 0 else { return refused(.nothingToRefund, account) }
    let amount = item.flags.contains(.remaining) ? left : item.amount
    guard amount <= left else { return refused(.refundExceedsOriginal, account, refundable: left) }
    guard let balance = credited(account, amount, item.operation) else {
      return refused(.balanceOverflow, account, refundable: left)
    }
    guard account.sequence < UInt32.max else { return refused(.accountFull, account, refundable: left) }
    let position = writer.position
    var result = append(
      item, turn.text, typeByte: item.base.u8(60), amount: amount, balance: balance, account, prepared, turn.now,
      &writer)
    noteRefund(of: spendPosition, amount: amount, as: .refunded, by: position, account)
    result.refundable = left - amount
    return result
  }

  /// Makes the id that a tombstone names void. A tombstone with that very id needs no second entry: whatever comes with
  /// the id conflicts with it.
  mutating func bury(_ position: UInt64, accountHash: UInt64) {
    let item = records.record(at: position).item
    let hash = hashing.transaction(accountHash: accountHash, item.related)
    if item.id == item.related || match(item.related, of: item.account, hash: hash).isVoid { return }
    transactions.insert(hash, payload: position)
  }

  /// Adds a refund to what is known of its spend, and ends the spend's settlement.
  mutating func noteRefund(
    of spendPosition: UInt64, amount: UInt64, as state: SettlementState, by position: UInt64, _ account: Account
  ) {
    let spendAmount = records.record(at: spendPosition).item.amount
    let number = spends.findOrCreate(spendPosition, hash: hashing.position(spendPosition))
    spends.addRefund(amount, to: number)
    guard spends[number].state == .unsettled else { return }
    let used = state == .settled ? spendAmount - amount : 0
    spends.close(number, as: state, used: used, endPosition: position, amount: spendAmount, of: account)
  }
}
