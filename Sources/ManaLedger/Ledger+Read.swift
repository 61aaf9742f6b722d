public import ManaProtocol

// A read that needs an absent record writes nothing, throws, and is to be called again when it is at hand.

/// What `lookup` did.
public struct LookupOutcome: Equatable, Sendable {
  /// `ok`, `accountUnknown` or `transactionUnknown`.
  public var status: Status
  /// Length of the reply body; 0 unless `ok`.
  public var bytes = 0

  public init(status: Status, bytes: Int = 0) {
    self.status = status
    self.bytes = bytes
  }
}

extension Ledger {
  /// The position of the account's newest record, which is what must be durable before a read of the account may be
  /// answered; 0 when the account is unknown. Constant time.
  ///
  /// Settlements that refunded nothing and tombstones count, too: reads show the state of a settlement.
  public func lastPosition(of account: UInt128) -> UInt64 {
    guard let found = self.account(account) else { return 0 }
    return max(found.lastPosition, found.lastAsidePosition)
  }

  /// Balance, totals and times of an account; nil when it is unknown. Constant time.
  public func overview(of account: UInt128) -> AccountOverview? {
    guard let found = self.account(account) else { return nil }
    return AccountOverview(
      account: account, balance: found.balance, unsettled: found.unsettledTotal,
      unsettledCount: UInt64(found.unsettledCount), transactions: UInt64(found.sequence),
      firstTimestamp: found.firstTimestamp, lastTimestamp: found.lastTimestamp,
      operations: (1...8).map { OperationTotal(amount: found.sum($0), count: UInt64(found.count($0))) })
  }

  /// The last transaction that is not after `time`, in nanoseconds since 1970, and its balance: all zero when there is
  /// none, nil when the account is unknown. Reads O(log n) of the account's n records.
  public func balance(of account: UInt128, at time: UInt64) throws(AbsentRecord) -> BalanceAt? {
    guard let found = self.account(account) else { return nil }
    let position = try records.newest(from: found.lastPosition) { $0.timestamp <= time }.position
    guard position != 0 else { return BalanceAt(balance: 0, sequence: 0, timestamp: 0) }
    let record = records.recordAtHand(position)
    return BalanceAt(
      balance: record.balanceAfter, sequence: UInt64(record.sequence), timestamp: record.timestamp)
  }

  /// Writes the reply body of `lookupTransaction`: the transaction with its text. `capacity` must be 616 at least,
  /// which is the longest. Constant time.
  public func lookup(
    account: UInt128, id: UInt128, into base: UnsafeMutableRawPointer, capacity: Int
  ) throws(AbsentRecord) -> LookupOutcome {
    let accountHash = hashing.account(account)
    guard let found = accounts.find(account, hash: accountHash) else { return LookupOutcome(status: .accountUnknown) }
    let hash = hashing.transaction(accountHash: accountHash, id)
    let position = try match(id, of: found.id, hash: hash).position
    // A settlement that refunded nothing and a tombstone are no transactions.
    guard position != 0, records.recordAtHand(position).sequence != 0 else {
      return LookupOutcome(status: .transactionUnknown)
    }
    let record = records.recordAtHand(position)
    let textBytes = record.item.textBytes
    let bytes = LookupReplyView.bodyBytes(textBytes: textBytes)
    precondition(bytes <= capacity, "the reply takes \(bytes) bytes, there is room for \(capacity)")
    base.store(u32: UInt32(textBytes), 0)
    base.store(u32: 0, 4)
    storeTransaction(position, to: base + LookupReplyView.preludeBytes)
    let end = LookupReplyView.preludeBytes + TransactionView.bytes
    (base + end).copyMemory(from: record.text, byteCount: textBytes)
    base.zero(end + textBytes, count: bytes - end - textBytes)
    return LookupOutcome(status: .ok, bytes: bytes)
  }

  /// Writes the 96 bytes of a transaction, which is at hand, as replies have it.
  func storeTransaction(_ position: UInt64, to base: UnsafeMutableRawPointer) {
    let record = records.recordAtHand(position)
    base.copyMemory(from: record.base, byteCount: TransactionView.bytes)
    base.store(u8: record.shownTypeByte, 60)
    var refunded: UInt64 = 0
    var state = SettlementState.none
    if record.item.type == RecordType.spend,
      let number = spends.find(position, hash: hashing.position(position))
    {
      refunded = spends[number].refunded
      state = spends[number].state
    }
    TransactionView.storeReplyFields(to: base, refunded: refunded, settlement: state)
  }
}
