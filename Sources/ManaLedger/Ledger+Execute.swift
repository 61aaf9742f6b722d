import ManaProtocol

/// What the ids of an account say about an item's.
struct IDMatch {
  /// Of the record that has the id, 0 for none.
  var position: UInt64
  /// A tombstone names the id.
  var isVoid: Bool
}

extension Ledger {
  /// Executes one item: the status ladder from top to bottom, then the effect.
  @inline(__always)
  mutating func execute(
    _ item: ItemView, _ prepared: Prepared, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> ItemResult {
    let malformed = ItemCheck.refusal(of: item, requiredType: turn.requiredType, text: turn.text)
    guard malformed == .ok else { return refused(malformed, item) }
    let guess = prepared.guess
    let account: Account
    if let guess, guess.hasID(item.account) {
      account = guess
    } else if let found = accounts.find(item.account, hash: prepared.accountHash) {
      account = found
    } else {
      // An account that does not exist has no ids.
      return executeWithoutAccount(item, prepared, turn, &writer)
    }
    let match = match(item.id, of: item.account, hash: prepared.transactionHash)
    if match.position != 0 { return replayed(item, turn.text, match.position, account) }
    switch item.type {
    case RecordType.spend:
      if match.isVoid { return refused(.voided, account) }
      return spend(item, account, prepared, turn, &writer)
    case RecordType.refund: return refund(item, account, prepared, turn, &writer)
    case RecordType.settlement: return settle(item, account, prepared, turn, &writer)
    default: return credit(item, account, prepared, turn, &writer)
    }
  }

  /// The record that has an id. Constant time.
  @inline(__always)
  func match(_ id: UInt128, of account: UInt128, hash: UInt64) -> IDMatch {
    var isVoid = false
    let position = transactions.find(hash) { position in
      let record = records.record(at: position)
      guard record.item.account == account else { return false }
      if record.item.id == id { return true }
      if record.item.type == RecordType.tombstone && record.item.related == id { isVoid = true }
      return false
    }
    return IDMatch(position: position, isVoid: isVoid)
  }

  @inline(never)
  func refused(_ status: Status, _ account: Account?, field: ConflictField? = nil, refundable: UInt64 = 0) -> ItemResult
  {
    ItemResult(status: status, field: field, balance: account?.balance ?? 0, refundable: refundable)
  }

  /// The result of an item that was refused before its account was looked for.
  @inline(never)
  private func refused(_ status: Status, _ item: ItemView) -> ItemResult { refused(status, account(item.account)) }

  // MARK: Spends, purchases and bonuses

  @inline(__always)
  private mutating func spend(
    _ item: ItemView, _ account: Account, _ prepared: Prepared, _ turn: Turn, _ writer: inout RecordWriter
  ) -> ItemResult {
    let amount = item.amount
    guard amount <= UInt64(bitPattern: account.balance) else { return refused(.insufficientBalance, account) }
    guard !account.spentOverflows(adding: amount) else { return refused(.balanceOverflow, account) }
    guard account.sequence < UInt32.max else { return refused(.accountFull, account) }
    let balance = account.balance &- Int64(bitPattern: amount)
    let position = writer.position
    let result = append(
      item, turn.text, typeByte: item.base.u8(60), amount: amount, balance: balance, account, prepared, turn.now,
      &writer)
    if item.flags.contains(.unsettled) { openSettlement(position, account, accountHash: prepared.accountHash) }
    return result
  }

  @inline(never)
  private mutating func credit(
    _ item: ItemView, _ account: Account, _ prepared: Prepared, _ turn: Turn, _ writer: inout RecordWriter
  ) -> ItemResult {
    guard let balance = credited(account, item.amount, item.operation) else {
      return refused(.balanceOverflow, account)
    }
    guard account.sequence < UInt32.max else { return refused(.accountFull, account) }
    return append(
      item, turn.text, typeByte: item.base.u8(60), amount: item.amount, balance: balance, account, prepared, turn.now,
      &writer)
  }

  /// Executes an item whose account does not exist: a purchase or a bonus creates it.
  @inline(never)
  private mutating func executeWithoutAccount(
    _ item: ItemView, _ prepared: Prepared, _ turn: Turn, _ writer: inout RecordWriter
  ) -> ItemResult {
    guard item.type == RecordType.purchase || item.type == RecordType.bonus else {
      return refused(.accountUnknown, nil)
    }
    // Nothing can refuse a first credit any more: its amount fits a balance.
    let account = accounts.create(item.account, hash: prepared.accountHash)
    return credit(item, account, prepared, turn, &writer)
  }

  /// The balance after a credit; nil when it or the operation's total would not fit.
  @inline(__always)
  func credited(_ account: Account, _ amount: UInt64, _ operation: UInt8) -> Int64? {
    let (balance, overflows) = account.balance.addingReportingOverflow(Int64(bitPattern: amount))
    if overflows || account.sum(operation).addingReportingOverflow(amount).overflow { return nil }
    return balance
  }

  // MARK: Replays

  /// The result of an item whose id the account has.
  @inline(never)
  private func replayed(
    _ item: ItemView, _ text: UnsafeRawPointer, _ position: UInt64, _ account: Account
  ) -> ItemResult {
    let record = records.record(at: position)
    if let field = firstDifference(item, text, record) { return refused(.idConflict, account, field: field) }
    return originalResult(of: record, position)
  }

  /// The result that the item of a record had, as a replay; with what can be refunded by now.
  func originalResult(of record: RecordView, _ position: UInt64) -> ItemResult {
    var refundable: UInt64 = 0
    switch record.item.type {
    case RecordType.spend: refundable = self.refundable(position)
    case RecordType.refund, RecordType.settlement:
      refundable = self.refundable(spendPosition(record.item.related, of: record.item.account))
    default: break
    }
    return ItemResult(
      status: .ok, replayed: true, sequence: record.sequence, amount: record.sequence == 0 ? 0 : record.item.amount,
      balance: record.balanceAfter, timestamp: record.timestamp, refundable: refundable)
  }

  /// The first field in which an item differs from the one that a record came from.
  private func firstDifference(_ item: ItemView, _ text: UnsafeRawPointer, _ record: RecordView) -> ConflictField? {
    let original = originalItem(of: record)
    if item.type != original.type { return .type }
    if item.operation != original.operation { return .operation }
    if item.amount != original.amount { return .amount }
    if item.quantity != original.quantity { return .quantity }
    if item.related != original.related { return .related }
    if item.flags != original.flags { return .flags }
    let reference = record.item.referenceBytes
    if item.referenceBytes != reference || !isEqual(text, record.text, reference) { return .reference }
    let note = record.item.noteBytes
    if item.noteBytes != note || !isEqual(text + reference, record.text + reference, note) { return .note }
    return nil
  }

  /// The item as it came.
  private func originalItem(of record: RecordView) -> Item {
    var item = Item(reading: record.base)
    item.amount = record.amountAsked
    if item.type == RecordType.tombstone { item.type = RecordType.refund }
    if item.type == RecordType.refund && record.typeByte & RecordType.bySettlement != 0 {
      item.type = RecordType.settlement
      item.operation = 0
      item.flags = []
      let spend = records.record(at: spendPosition(item.related, of: item.account))
      item.amount = spend.item.amount - record.item.amount
    }
    return item
  }

  private func isEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    (0..<count).allSatisfy { left.u8($0) == right.u8($0) }
  }
}
