import ManaProtocol

extension Ledger {
  /// The position of a spend by its id, which the account must have.
  func spendPosition(_ id: UInt128, of account: UInt128) throws(AbsentRecord) -> UInt64 {
    let hash = hashing.transaction(accountHash: hashing.account(account), id)
    let found = try match(id, of: account, hash: hash).position
    precondition(found != 0, "a refund names a spend that exists")
    return found
  }

  /// What can still be refunded of the spend at a position. Constant time.
  func refundable(_ position: UInt64) throws(AbsentRecord) -> UInt64 {
    let amount = try records.record(at: position).item.amount
    guard let number = spends.find(position, hash: hashing.position(position)) else { return amount }
    return amount - spends[number].refunded
  }

  /// What a refund or a settlement names.
  enum Original {
    case unknown
    case notSpend
    case spend(UInt64)
  }

  func original(
    _ related: UInt128, of account: UInt128, accountHash: UInt64
  ) throws(AbsentRecord) -> Original {
    let hash = hashing.transaction(accountHash: accountHash, related)
    let position = try match(related, of: account, hash: hash).position
    guard position != 0 else { return .unknown }
    let record = try records.record(at: position)
    // A settlement that refunded nothing and a tombstone have ids, but they are no transactions.
    if record.sequence == 0 { return .unknown }
    return record.item.type == RecordType.spend ? .spend(position) : .notSpend
  }

  @inline(never)
  mutating func refund(
    _ item: ItemView, _ place: Place, _ accountHash: UInt64, _ turn: inout Turn, _ writer: inout RecordWriter
  ) throws(AbsentRecord) -> Verdict {
    let account = place.account
    let spendPosition: UInt64
    switch try original(item.related, of: item.account, accountHash: accountHash) {
    case .unknown:
      guard item.flags.contains(.voidIfUnknown) else { return turn.refuse(.originalUnknown, account) }
      return layTombstone(item, place, accountHash, &turn, &writer)
    case .notSpend: return turn.refuse(.originalNotSpend, account)
    case .spend(let position): spendPosition = position
    }
    let left = try refundable(spendPosition)
    guard left > 0 else { return turn.refuse(.nothingToRefund, account) }
    let amount = item.flags.contains(.remaining) ? left : item.amount
    guard amount <= left else { return turn.refuse(.refundExceedsOriginal, account, refundable: left) }
    guard let balance = credited(account, amount, item.operation) else {
      return turn.refuse(.balanceOverflow, account, refundable: left)
    }
    guard account.sequence < UInt32.max else { return turn.refuse(.accountFull, account, refundable: left) }
    let position = writer.position
    let stamp = append(
      item, turn.text, typeByte: item.base.u8(60), amount: amount, balance: balance, place, turn.now, &writer)
    noteRefund(of: spendPosition, amount: amount, as: .refunded, by: position, account)
    turn.finish(
      ItemResult(
        status: .ok, sequence: stamp.sequence, amount: amount, balance: balance, timestamp: stamp.timestamp,
        refundable: left - amount))
    return .posted
  }

  /// Remembers the id of a spend that is not known, so that it is refused if it arrives later.
  private mutating func layTombstone(
    _ item: ItemView, _ place: Place, _ accountHash: UInt64, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Verdict {
    let position = writer.position
    let stamp = appendAside(item, turn.text, type: RecordType.tombstone, place, turn.now, &writer)
    bury(position, accountHash: accountHash)
    turn.finish(ItemResult(status: .ok, balance: place.account.balance, timestamp: stamp.timestamp))
    return .posted
  }

  /// Makes the id that a tombstone names void. A tombstone with that very id needs no second entry: whatever comes with
  /// the id conflicts with it.
  mutating func bury(_ position: UInt64, accountHash: UInt64) {
    let item = records.recordAtHand(position).item
    let hash = hashing.transaction(accountHash: accountHash, item.related)
    if item.id == item.related { return }
    // `original` has just looked for the same id.
    let isVoid = Self.atHand { () throws(AbsentRecord) in
      try match(item.related, of: item.account, hash: hash).isVoid
    }
    if isVoid { return }
    transactions.insert(hash, payload: position)
  }

  /// Adds a refund to what is known of its spend, and ends the spend's settlement.
  mutating func noteRefund(
    of spendPosition: UInt64, amount: UInt64, as state: SettlementState, by position: UInt64, _ account: Account
  ) {
    let spendAmount = records.recordAtHand(spendPosition).item.amount
    let number = spends.findOrCreate(spendPosition, hash: hashing.position(spendPosition))
    spends.addRefund(amount, to: number)
    guard spends[number].state == .unsettled else { return }
    let used = state == .settled ? spendAmount - amount : 0
    spends.close(number, as: state, used: used, endPosition: position, amount: spendAmount, of: account)
  }
}
