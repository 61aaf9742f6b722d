import ManaProtocol

// What nearly every item is, in one piece: a spend without flags and texts, of an account and with an id that were
// found where they were expected, that nothing speaks against. Whatever is not so goes the long way, `execute`, which
// also finds out why. The two agree wherever both apply; the tests run everything both ways.

extension Ledger {
  /// Posts an item when it is a plain spend and there is nothing against it; false, with nothing changed, otherwise.
  /// Constant time, and reads no record.
  @inline(__always)
  mutating func postPlainSpend(
    _ item: ItemView, _ prepared: UnsafePointer<Prepared>, _ turn: inout Turn, _ writer: inout RecordWriter
  ) -> Bool {
    guard ItemCheck.isPlainSpend(item, requiredType: turn.requiredType),
      prepared.pointee.generation == generation, let account = prepared.pointee.guess,
      account.hasID(low: item.base.u64(16), high: item.base.u64(24))
    else { return false }
    let probe = prepared.pointee.transactionProbe
    let amount = item.amount
    var pattern = probe.pattern
    guard let slot = transactions.vacancy(probe, &pattern), transactions.hasRoom(probe.table, for: writer.position),
      amount <= UInt64(bitPattern: account.balance), !account.spentOverflows(adding: amount),
      account.sequence < UInt32.max
    else { return false }
    let position = writer.position
    let timestamp = max(lastTimestamp &+ 1, turn.now)
    let balance = account.balance &- Int64(bitPattern: amount)
    let link = advance(
      account, operation: item.operation, amount: amount, balance: balance, position: position, timestamp: timestamp)
    RecordView.store(item, amount: amount, balance: balance, timestamp: timestamp, link: link, to: writer.cursor)
    writer.advance(RecordLayout.bytes)
    transactions.insert(position, at: slot, pattern, probe.table)
    turn.finish(
      ItemResult(
        status: .ok, sequence: link.sequence, amount: amount, balance: balance, timestamp: timestamp,
        refundable: amount))
    return true
  }
}
