import ManaProtocol

extension Ledger {
  /// Applies a block's records as they are, and checks that they are what this ledger would have written: layout,
  /// chain, jumps, sequence numbers, balances, timestamps, refunds and settlements are recomputed.
  ///
  /// The record space must find the block's records already. After an error the ledger is of no use. Linear in the
  /// number of records.
  public mutating func replay(
    block: UnsafeRawBufferPointer, firstPosition: UInt64, recordCount: Int
  ) throws(ReplayError) {
    var offset = 0
    var ahead = (index: 0, offset: 0)
    func position(_ offset: Int) -> UInt64 { firstPosition + UInt64(offset / RecordLayout.unit) }
    let group = LedgerLimits.groupItems
    for index in 0..<recordCount {
      if index % group == 0 {
        while ahead.index < min(index + 3 * group, recordCount) {
          try locate(block, &ahead, count: min(group, recordCount - ahead.index), firstPosition)
        }
        if index == 0 { approach(0, min(group, recordCount)) }
        if index + group < recordCount { approach(index + group, min(index + 2 * group, recordCount)) }
      }
      // `locate` has found the record there.
      let base = block.baseAddress!
      let prepared = UnsafePointer(prepared + (index & LedgerLimits.preparedMask))
      let problem: ReplayError.Problem?
      do throws(AbsentRecord) {
        problem = try apply(RecordView(base + offset), at: position(offset), prepared)
      } catch {
        throw ReplayError(position: error.position, problem: .recordAbsent)
      }
      if let problem { throw ReplayError(position: position(offset), problem: problem) }
      offset += Int(prepared.pointee.size)
    }
    if offset != block.count { throw ReplayError(position: position(offset), problem: .recordCount) }
  }

  /// Finds the bounds of a group of records, and asks for the buckets that their ids lead to.
  private func locate(
    _ block: UnsafeRawBufferPointer, _ ahead: inout (index: Int, offset: Int), count: Int, _ firstPosition: UInt64
  ) throws(ReplayError) {
    let start = ahead.index
    for index in start..<start + count {
      guard let base = block.baseAddress, ahead.offset + RecordLayout.bytes <= block.count,
        ahead.offset + RecordView(base + ahead.offset).size <= block.count
      else {
        throw ReplayError(position: firstPosition + UInt64(ahead.offset / RecordLayout.unit), problem: .truncated)
      }
      let record = RecordView(base + ahead.offset)
      locate(record.item, index, size: record.size)
      ahead = (index + 1, ahead.offset + record.size)
    }
    loadBuckets(start, start + count)
  }

  /// Applies one record; the result is what is wrong with it.
  private mutating func apply(
    _ record: RecordView, at position: UInt64, _ prepared: UnsafePointer<Prepared>
  ) throws(AbsentRecord) -> ReplayError.Problem? {
    if let problem = malformation(of: record) { return problem }
    let item = record.item
    guard record.timestamp > lastTimestamp, record.timestamp <= UInt64(Int64.max) + (1 << 32) else {
      return .timestampNotIncreasing
    }
    let account: Account
    if let guess = prepared.pointee.guess, guess.hasID(item.account) {
      account = guess
    } else if let found = accounts.find(item.account, hash: prepared.pointee.accountHash) {
      account = found
    } else {
      let isCredit = item.type == RecordType.purchase || item.type == RecordType.bonus
      guard isCredit && record.sequence == 1 else { return .accountUnknown }
      account = accounts.create(item.account, hash: prepared.pointee.accountHash)
    }
    let match = try match(item.id, of: item.account, prepared)
    guard match.position == 0 && !(match.isVoid && item.type == RecordType.spend) else { return .duplicateID }
    let place = Place(account: account, hash: prepared.pointee.transactionHash, vacancy: match.vacancy)
    switch item.type {
    case RecordType.spend: return applySpend(record, position, place, prepared.pointee.accountHash)
    case RecordType.refund: return try applyRefund(record, position, place, prepared.pointee.accountHash)
    case RecordType.settlement, RecordType.tombstone:
      return try applyAside(record, position, place, prepared.pointee.accountHash)
    default:
      guard let balance = credited(account, item.amount, item.operation) else { return .totalOverflow }
      return applyTransaction(record, position, place, balance: balance)
    }
  }

  /// What is wrong with a record, whatever the state.
  private func malformation(of record: RecordView) -> ReplayError.Problem? {
    let item = record.item
    let flags = item.flags.rawValue
    let padding = RecordLayout.bytes + item.textBytes
    guard record.base.isZero(padding, count: record.size - padding) else { return .paddingNotZero }
    guard item.type == RecordType.refund || item.type == RecordType.tombstone else {
      let status = ItemCheck.refusal(of: item, requiredType: 0, text: record.text)
      return status == .ok ? nil : status == .unknownType ? .unknownType : .invalidItem
    }
    // A refund as it is recorded could not be sent: its amount is resolved, and its flags may say who posted it.
    let marks = RecordType.bySettlement | RecordType.byTimeout
    let allowed = ItemCheck.allowedFlags(of: RecordType.refund)
    let isMarked = item.type == RecordType.refund && (flags == RecordType.bySettlement || flags == RecordType.byTimeout)
    let isAmountValid =
      item.type == RecordType.refund
      ? item.amount > 0 : (item.amount == 0) == item.flags.contains(.remaining)
    guard isMarked || flags & (marks | ~allowed) == 0, item.operation == Operation.refund.rawValue, item.id != 0,
      item.account != 0, item.related != 0, isAmountValid, item.amount <= UInt64(Int64.max),
      item.type == RecordType.refund || item.flags.contains(.voidIfUnknown),
      ItemCheck.isText(item, record.text)
    else { return .invalidItem }
    return nil
  }

  @inline(__always)
  private mutating func applyTransaction(
    _ record: RecordView, _ position: UInt64, _ place: Place, balance: Int64
  ) -> ReplayError.Problem? {
    let account = place.account
    guard account.sequence < UInt32.max, record.sequence == account.sequence &+ 1 else { return .sequenceWrong }
    guard record.balanceAfter == balance else { return .balanceWrong }
    let link = advance(
      account, operation: record.item.operation, amount: record.item.amount, balance: balance, position: position,
      timestamp: record.timestamp)
    guard record.previous == link.previous else { return .chainBroken }
    guard record.jump == link.jump else { return .jumpWrong }
    transactions.insert(place.hash, payload: position, at: place.vacancy)
    return nil
  }

  private mutating func applySpend(
    _ record: RecordView, _ position: UInt64, _ place: Place, _ accountHash: UInt64
  ) -> ReplayError.Problem? {
    let account = place.account
    let amount = record.item.amount
    guard amount <= UInt64(bitPattern: account.balance) else { return .balanceWrong }
    guard !account.spentOverflows(adding: amount) else { return .totalOverflow }
    let balance = account.balance - Int64(bitPattern: amount)
    if let problem = applyTransaction(record, position, place, balance: balance) { return problem }
    if record.item.flags.contains(.unsettled) { openSettlement(position, account, accountHash: accountHash) }
    return nil
  }

  @inline(never)
  private mutating func applyRefund(
    _ record: RecordView, _ position: UInt64, _ place: Place, _ accountHash: UInt64
  ) throws(AbsentRecord) -> ReplayError.Problem? {
    let account = place.account
    let item = record.item
    guard case .spend(let spend) = try original(item.related, of: item.account, accountHash: accountHash) else {
      return .originalUnknown
    }
    guard try item.amount <= refundable(spend) else { return .refundExceedsOriginal }
    guard let balance = credited(account, item.amount, item.operation) else { return .totalOverflow }
    var state = SettlementState.refunded
    let marks = record.typeByte & (RecordType.bySettlement | RecordType.byTimeout)
    if marks != 0 {
      guard let number = spends.find(spend, hash: hashing.position(spend)), spends[number].state == .unsettled else {
        return .settlementNotOpen
      }
      state = marks == RecordType.bySettlement ? .settled : .timedOut
      let isWhole = item.amount == records.recordAtHand(spend).item.amount
      if state == .timedOut && (record.timestamp < spends[number].deadline || !isWhole) { return .settlementNotOpen }
    }
    if let problem = applyTransaction(record, position, place, balance: balance) { return problem }
    noteRefund(of: spend, amount: item.amount, as: state, by: position, account)
    return nil
  }

  /// Applies a settlement that refunded nothing, or a tombstone.
  @inline(never)
  private mutating func applyAside(
    _ record: RecordView, _ position: UInt64, _ place: Place, _ accountHash: UInt64
  ) throws(AbsentRecord) -> ReplayError.Problem? {
    let account = place.account
    let item = record.item
    guard record.sequence == 0 else { return .sequenceWrong }
    guard record.previous == 0 else { return .chainBroken }
    guard record.jump == 0 else { return .jumpWrong }
    guard record.balanceAfter == account.balance else { return .balanceWrong }
    account.lastAsidePosition = position
    let original = try original(item.related, of: item.account, accountHash: accountHash)
    if item.type == RecordType.tombstone {
      guard case .unknown = original else { return .originalUnknown }
      lastTimestamp = record.timestamp
      transactions.insert(place.hash, payload: position, at: place.vacancy)
      bury(position, accountHash: accountHash)
      return nil
    }
    guard case .spend(let spend) = original else { return .originalUnknown }
    let amount = records.recordAtHand(spend).item.amount
    guard let number = spends.find(spend, hash: hashing.position(spend)), spends[number].state == .unsettled,
      item.flags.contains(.remaining) || item.amount == amount
    else { return .settlementNotOpen }
    lastTimestamp = record.timestamp
    transactions.insert(place.hash, payload: position, at: place.vacancy)
    spends.close(number, as: .settled, used: amount, endPosition: position, amount: amount, of: account)
    return nil
  }
}
