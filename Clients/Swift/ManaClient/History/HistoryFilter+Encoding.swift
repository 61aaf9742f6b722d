// The body of listTransactions; see History.swift of ManaProtocol for the offsets.

internal import ManaProtocol
internal import NIOCore

extension HistoryFilter {
  /// The body of a request for one page.
  ///
  /// Throws `invalidArgument`, whose message names the field that cannot be meant.
  func encoded(
    account: AccountID, limit: Int, from cursor: HistoryCursor?, oldestFirst: Bool
  ) throws(ManaError) -> ByteBuffer {
    let query = try query(account: account, limit: limit, from: cursor, oldestFirst: oldestFirst)
    let reference = [UInt8]((self.reference ?? "").utf8)
    return ByteBuffer.encoded(HistoryQuery.fixedBytes + reference.count) { base in
      query.store(to: base, referenceBytes: reference.count)
      for (index, byte) in reference.enumerated() { base.store(u8: byte, HistoryQuery.fixedBytes + index) }
    }
  }

  static func checkLimit(_ limit: Int) throws(ManaError) {
    guard (1...Limits.pageMax).contains(limit) else {
      throw refuse("limit: a page has 1 to \(Limits.pageMax) transactions, not \(limit)")
    }
  }

  private func query(
    account: AccountID, limit: Int, from cursor: HistoryCursor?, oldestFirst: Bool
  ) throws(ManaError) -> HistoryQuery {
    try Self.checkLimit(limit)
    var query = HistoryQuery(account: account.number, limit: limit)
    query.oldestFirst = oldestFirst
    query.start = cursor?.sequence ?? 0
    for type in types {
      guard type != .settlement else { throw Self.refuse("types: a settlement never appears in a history") }
      query.types |= 1 << UInt32(type.rawValue)
    }
    for operation in operations { query.operations |= 1 << UInt32(operation.rawValue) }
    // Zero means "none" on the wire, so that a range which no transaction can be in must not be encoded as zero.
    guard until?.nanoseconds != 0 else { throw Self.refuse("until: nothing is before 1970") }
    query.timeFrom = from?.nanoseconds ?? 0
    query.timeTo = until?.nanoseconds ?? 0
    query.amountMin = try Self.bound("amountMin", amountMin)
    query.amountMax = try Self.bound("amountMax", amountMax)
    guard amountMax != .zero else { throw Self.refuse("amountMax: every amount is above zero") }
    guard related?.number != 0 else { throw Self.refuse("related: zero is no transaction id") }
    query.related = related?.number ?? 0
    guard (reference?.utf8.count ?? 0) <= Limits.textBytesMax else {
      throw Self.refuse("reference: at most \(Limits.textBytesMax) bytes")
    }
    guard reference != "" else { throw Self.refuse("reference: an empty one cannot be searched for; nil is any") }
    do throws(ProtocolError) { try query.check() } catch { throw Self.refuse(error.message) }
    return query
  }

  private static func bound(_ name: String, _ amount: Mana?) throws(ManaError) -> UInt64 {
    guard let amount else { return 0 }
    guard amount >= .zero else { throw refuse("\(name): amounts are never negative; filter by type for the sign") }
    return UInt64(amount.micromana)
  }

  private static func refuse(_ message: String) -> ManaError {
    ManaError(.invalidArgument, execution: .notExecuted, message: message)
  }
}
