// listTransactions, request:                            reply:
//
//   0  u128 account                                       0  u32  count
//  16  u64  start           0: newest (oldest)            4  u32  flags      bit 0 more
//  24  u32  limit           1...pageMax                   8  u64  total
//  28  u32  flags           bit 0 oldestFirst            16  u64  next       the cursor
//  32  u32  types           bit t, 0 all                 24  i64  balance
//  36  u32  operations      bit o, 0 all                 32  u32  textBytes
//  40  u64  timeFrom        included, 0 none             36  u16  stride     96
//  48  u64  timeTo          excluded, 0 none             38  u16  reserved
//  56  u64  amountMin       included                     40  u64  examined
//  64  u64  amountMax       included, 0 none             48  count × 96, then text, then padding
//  72  u128 related         0 any
//  88  u32  referenceBytes  at most 255, 0 any
//  92  u32  reserved
//  96  reference, padding

/// What `listTransactions` asks for. The reference is kept apart: in a request it follows the fixed part.
public struct HistoryQuery: Equatable, Sendable {
  /// Bytes of the request before the reference.
  public static let fixedBytes = 96

  public var account: UInt128
  /// The sequence number to start at, included; 0 starts at the newest, or the oldest with `oldestFirst`.
  public var start: UInt64 = 0
  /// Most transactions in the page.
  public var limit: Int
  public var oldestFirst = false
  /// Bit *t* selects type *t*; 0 selects all.
  public var types: UInt32 = 0
  /// Bit *o* selects operation *o*; 0 selects all.
  public var operations: UInt32 = 0
  /// Nanoseconds since 1970, included; 0 for none.
  public var timeFrom: UInt64 = 0
  /// Nanoseconds since 1970, excluded; 0 for none.
  public var timeTo: UInt64 = 0
  /// Micromana, included.
  public var amountMin: UInt64 = 0
  /// Micromana, included; 0 for none.
  public var amountMax: UInt64 = 0
  /// Only transactions with this related id; 0 for any.
  public var related: UInt128 = 0

  public init(account: UInt128, limit: Int) {
    self.account = account
    self.limit = limit
  }

  /// The bits of `types` that mean something.
  public static let typesMask = TransactionType.recorded.reduce(UInt32(0)) { $0 | 1 << $1.rawValue }
  /// The bits of `operations` that mean something.
  public static let operationsMask = Operation.allCases.reduce(UInt32(0)) { $0 | 1 << $1.rawValue }

  /// Reads a request; the second result is the reference to match, empty for any, in place.
  ///
  /// Throws `malformedBody`, `reservedBits` or `invalidFilter`, whose message names the field. Constant time.
  public static func read(
    _ body: UnsafeRawBufferPointer
  ) throws(ProtocolError) -> (query: HistoryQuery, reference: UnsafeRawBufferPointer) {
    guard body.count >= fixedBytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "listTransactions takes at least 96 bytes, this body has \(body.count)")
    }
    let referenceBytes = Int(base.u32(88))
    guard referenceBytes <= Limits.textBytesMax else {
      throw ProtocolError(.invalidFilter, "referenceBytes: \(referenceBytes); the most is 255", detail: 88)
    }
    let end = fixedBytes + referenceBytes
    guard body.count == paddedToWords(end) else {
      throw ProtocolError(.malformedBody, "a reference of \(referenceBytes) bytes in \(body.count) bytes", detail: 88)
    }
    guard base.u32(28) & ~1 == 0, base.u32(92) == 0, base.isZero(end, count: body.count - end) else {
      throw ProtocolError(.reservedBits, "reserved bits of listTransactions are set", detail: 28)
    }
    var query = HistoryQuery(account: base.u128(0), limit: Int(base.u32(24)))
    query.start = base.u64(16)
    query.oldestFirst = base.u32(28) & 1 != 0
    query.types = base.u32(32)
    query.operations = base.u32(36)
    query.timeFrom = base.u64(40)
    query.timeTo = base.u64(48)
    query.amountMin = base.u64(56)
    query.amountMax = base.u64(64)
    query.related = base.u128(72)
    try query.check()
    return (query, UnsafeRawBufferPointer(start: base + fixedBytes, count: referenceBytes))
  }

  /// Throws `invalidFilter` naming the first field that cannot be meant.
  public func check() throws(ProtocolError) {
    func refuse(_ offset: Int, _ message: String) -> ProtocolError {
      ProtocolError(.invalidFilter, message, detail: offset)
    }
    if account == 0 { throw refuse(0, "account: zero is no account") }
    if limit < 1 || limit > Limits.pageMax { throw refuse(24, "limit: 1 to \(Limits.pageMax), not \(limit)") }
    if types & ~Self.typesMask != 0 { throw refuse(32, "types: a reserved bit is set") }
    if operations & ~Self.operationsMask != 0 { throw refuse(36, "operations: a reserved bit is set") }
    if timeTo != 0 && timeFrom >= timeTo { throw refuse(40, "timeFrom: must be before timeTo") }
    if amountMax != 0 && amountMin > amountMax { throw refuse(56, "amountMin: must not be above amountMax") }
  }

  /// Writes the fixed part to `base`; the reference and its padding follow it.
  public func store(to base: UnsafeMutableRawPointer, referenceBytes: Int) {
    base.store(u128: account, 0)
    base.store(u64: start, 16)
    base.store(u32: UInt32(limit), 24)
    base.store(u32: oldestFirst ? 1 : 0, 28)
    base.store(u32: types, 32)
    base.store(u32: operations, 36)
    base.store(u64: timeFrom, 40)
    base.store(u64: timeTo, 48)
    base.store(u64: amountMin, 56)
    base.store(u64: amountMax, 64)
    base.store(u128: related, 72)
    base.store(u32: UInt32(referenceBytes), 88)
    base.store(u32: 0, 92)
  }
}

/// The fixed part of a history reply.
public struct HistoryReplyPrelude: Equatable, Sendable {
  /// Bytes before the first transaction.
  public static let bytes = 48

  public var count: Int
  /// There may be further matches from `next` on.
  public var more: Bool
  /// Number of transactions of the account, unfiltered.
  public var total: UInt64
  /// The cursor: the sequence number to start the next page at; 0 when there is nothing further.
  public var next: UInt64
  /// Of the account now, in micromana.
  public var balance: Int64
  public var textBytes: Int
  /// Records looked at.
  public var examined: UInt64

  public init(
    count: Int, more: Bool, total: UInt64, next: UInt64, balance: Int64, textBytes: Int, examined: UInt64
  ) {
    self.count = count
    self.more = more
    self.total = total
    self.next = next
    self.balance = balance
    self.textBytes = textBytes
    self.examined = examined
  }

  public func store(to base: UnsafeMutableRawPointer) {
    base.store(u32: UInt32(count), 0)
    base.store(u32: more ? 1 : 0, 4)
    base.store(u64: total, 8)
    base.store(u64: next, 16)
    base.store(i64: balance, 24)
    base.store(u32: UInt32(textBytes), 32)
    base.store(u16: UInt16(TransactionView.bytes), 36)
    base.store(u16: 0, 38)
    base.store(u64: examined, 40)
  }
}

/// A history reply's body where it lies, after its layout has been checked. Valid as long as the bytes are.
public struct HistoryReplyView {
  public let prelude: HistoryReplyPrelude
  /// The first transaction; transaction *i* is 96 × *i* bytes further.
  public let transactions: UnsafeRawPointer
  /// Reference and note of each transaction in turn.
  public let text: UnsafeRawBufferPointer

  /// Throws `malformedBody` when lengths do not fit, `reservedBits`. Linear in the number of transactions.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= HistoryReplyPrelude.bytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a page begins with 48 bytes, this one has \(body.count)")
    }
    prelude = HistoryReplyPrelude(
      count: Int(base.u32(0)), more: base.u32(4) & 1 != 0, total: base.u64(8), next: base.u64(16),
      balance: base.i64(24), textBytes: Int(base.u32(32)), examined: base.u64(40))
    let end = HistoryReplyPrelude.bytes + prelude.count * TransactionView.bytes + prelude.textBytes
    guard Int(base.u16(36)) == TransactionView.bytes, body.count == paddedToWords(end) else {
      throw ProtocolError(.malformedBody, "\(prelude.count) transactions in \(body.count) bytes")
    }
    guard base.u32(4) & ~1 == 0, base.u16(38) == 0, base.isZero(end, count: body.count - end) else {
      throw ProtocolError(.reservedBits, "reserved bits or the padding of a page are set", detail: 4)
    }
    transactions = base + HistoryReplyPrelude.bytes
    for index in 0..<prelude.count { try TransactionView(transactions + index * TransactionView.bytes).checkReserved() }
    let sum = (0..<prelude.count).reduce(0) { [transactions] in
      $0 + ItemView(transactions + $1 * TransactionView.bytes).textBytes
    }
    guard sum == prelude.textBytes else {
      throw ProtocolError(.malformedBody, "the texts take \(sum) bytes, the text area has \(prelude.textBytes)")
    }
    text = UnsafeRawBufferPointer(start: transactions + prelude.count * TransactionView.bytes, count: sum)
  }

  /// Transaction *i*; `index` must be below the prelude's count.
  public subscript(index: Int) -> TransactionView {
    precondition(index >= 0 && index < prelude.count, "transaction \(index) of \(prelude.count)")
    return TransactionView(transactions + index * TransactionView.bytes)
  }
}
