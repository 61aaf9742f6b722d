import ManaProtocol

extension Ledger {
  /// Executes one item: the status ladder from top to bottom, then the effect. All records are read before anything is
  /// changed, so that an absent one leaves everything as it was.
  @inline(never)
  mutating func execute(
    _ item: ItemView, _ prepared: UnsafePointer<Prepared>, _ turn: inout Turn, _ writer: inout RecordWriter
  ) throws(AbsentRecord) -> Verdict {
    let malformed = ItemCheck.refusal(of: item, requiredType: turn.requiredType, text: turn.text)
    guard malformed == .ok else { return refuse(malformed, item, &turn) }
    let account: Account
    if let guess = prepared.pointee.guess, guess.hasID(item.account) {
      account = guess
    } else if let found = accounts.find(item.account, hash: prepared.pointee.accountHash) {
      account = found
    } else {
      // An account that does not exist has no ids.
      return executeWithoutAccount(item, prepared, &turn, &writer)
    }
    let match = try match(item.id, of: item.account, prepared)
    if match.position != 0 { return try replay(item, match.position, account, &turn) }
    let place = Place(account: account, hash: prepared.pointee.transactionHash, vacancy: match.vacancy)
    switch item.type {
    case RecordType.spend:
      if match.isVoid { return turn.refuse(.voided, account) }
      return spend(item, place, prepared.pointee.accountHash, &turn, &writer)
    case RecordType.refund: return try refund(item, place, prepared.pointee.accountHash, &turn, &writer)
    case RecordType.settlement: return try settle(item, place, prepared.pointee.accountHash, &turn, &writer)
    default: return credit(item, place, &turn, &writer)
    }
  }

  /// Refuses an item before its account was looked for.
  @inline(never)
  private func refuse(_ status: Status, _ item: ItemView, _ turn: inout Turn) -> Verdict {
    turn.refuse(status, account(item.account))
  }

  // MARK: Spends, purchases and bonuses

  @inline(__always)
  private mutating func spend(
    _ item: ItemView, _ place: Place, _ accountHash: UInt64, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Verdict {
    let account = place.account
    let amount = item.amount
    guard amount <= UInt64(bitPattern: account.balance) else { return turn.refuse(.insufficientBalance, account) }
    guard !account.spentOverflows(adding: amount) else { return turn.refuse(.balanceOverflow, account) }
    guard account.sequence < UInt32.max else { return turn.refuse(.accountFull, account) }
    let balance = account.balance &- Int64(bitPattern: amount)
    let position = writer.position
    let stamp = append(
      item, turn.text, typeByte: item.base.u8(60), amount: amount, balance: balance, place, turn.now, &writer)
    if item.flags.contains(.unsettled) { openSettlement(position, account, accountHash: accountHash) }
    turn.finish(
      ItemResult(
        status: .ok, sequence: stamp.sequence, amount: amount, balance: balance, timestamp: stamp.timestamp,
        refundable: amount))
    return .posted
  }

  @inline(never)
  private mutating func credit(
    _ item: ItemView, _ place: Place, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Verdict {
    let amount = item.amount
    guard let balance = credited(place.account, amount, item.operation) else {
      return turn.refuse(.balanceOverflow, place.account)
    }
    guard place.account.sequence < UInt32.max else { return turn.refuse(.accountFull, place.account) }
    let stamp = append(
      item, turn.text, typeByte: item.base.u8(60), amount: amount, balance: balance, place, turn.now, &writer)
    turn.finish(
      ItemResult(
        status: .ok, sequence: stamp.sequence, amount: amount, balance: balance, timestamp: stamp.timestamp))
    return .posted
  }

  /// Executes an item whose account does not exist: a purchase or a bonus creates it.
  @inline(never)
  private mutating func executeWithoutAccount(
    _ item: ItemView, _ prepared: UnsafePointer<Prepared>, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Verdict {
    guard item.type == RecordType.purchase || item.type == RecordType.bonus else {
      return turn.refuse(.accountUnknown, nil)
    }
    // Nothing can refuse a first credit any more: its amount fits a balance.
    let account = accounts.create(item.account, hash: prepared.pointee.accountHash)
    let place = Place(account: account, hash: prepared.pointee.transactionHash, vacancy: HashIndex.Vacancy())
    return credit(item, place, &turn, &writer)
  }

  /// The balance after a credit; nil when it or the operation's total would not fit.
  @inline(__always)
  func credited(_ account: Account, _ amount: UInt64, _ operation: UInt8) -> Int64? {
    let (balance, overflows) = account.balance.addingReportingOverflow(Int64(bitPattern: amount))
    if overflows || account.sum(operation).addingReportingOverflow(amount).overflow { return nil }
    return balance
  }

  // MARK: Replays

  /// Answers an item whose id the account has.
  @inline(never)
  private func replay(
    _ item: ItemView, _ position: UInt64, _ account: Account, _ turn: inout Turn
  ) throws(AbsentRecord) -> Verdict {
    if let field = try firstDifference(item, turn.text, records.record(at: position)) {
      return turn.refuse(.idConflict, account, field: field)
    }
    return try repeatResult(of: position, &turn)
  }

  /// Gives the result that the item of a record had, as a replay; with what can be refunded by now.
  func repeatResult(of position: UInt64, _ turn: inout Turn) throws(AbsentRecord) -> Verdict {
    let record = try records.record(at: position)
    var refundable: UInt64 = 0
    switch record.item.type {
    case RecordType.spend: refundable = try self.refundable(position)
    case RecordType.refund, RecordType.settlement:
      refundable = try self.refundable(spendPosition(record.item.related, of: record.item.account))
    default: break
    }
    turn.finish(
      ItemResult(
        status: .ok, replayed: true, sequence: record.sequence, amount: record.sequence == 0 ? 0 : record.item.amount,
        balance: record.balanceAfter, timestamp: record.timestamp, refundable: refundable))
    return .replayed
  }

  /// The first field in which an item differs from the one that a record came from.
  private func firstDifference(
    _ item: ItemView, _ text: UnsafeRawPointer, _ record: RecordView
  ) throws(AbsentRecord) -> ConflictField? {
    let original = try originalItem(of: record)
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
  private func originalItem(of record: RecordView) throws(AbsentRecord) -> Item {
    var item = Item(reading: record.base)
    item.amount = record.amountAsked
    if item.type == RecordType.tombstone { item.type = RecordType.refund }
    if item.type == RecordType.refund && record.typeByte & RecordType.bySettlement != 0 {
      item.type = RecordType.settlement
      item.operation = 0
      item.flags = []
      let spend = try records.record(at: spendPosition(item.related, of: item.account))
      item.amount = spend.item.amount - record.item.amount
    }
    return item
  }

  private func isEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    (0..<count).allSatisfy { left.u8($0) == right.u8($0) }
  }
}
