import ManaProtocol

extension LedgerComparison {
  /// Follows the cursors of a listing to its end, with another limit and another room for each page, and compares what
  /// the pages hold together with `expected`, transaction by transaction, byte by byte.
  ///
  /// - Parameters:
  ///   - expected: All the transactions that are asked for, in order; nil when the account is unknown.
  ///   - ask: Asks the subject for one page: start, limit, capacity in bytes.
  mutating func comparePages(
    _ what: String, account: UInt128, expected: [ReferenceTransaction]?, oldestFirst: Bool, firstLimit: Int,
    start: UInt64, ask: (UInt64, Int, Int) -> Answer
  ) throws {
    var cursor = start
    var found = 0
    for number in 0... {
      let limit = number == 0 ? firstLimit : number < 40 ? workload.limit() : Limits.pageMax
      let capacity = number < 40 && workload.chance(1, in: 3) ? workload.number(in: 800...8_000) : Limits.frameBytesMax
      let answer = ask(cursor, limit, capacity)
      guard let expected else { return try equal(what, .refused(.accountUnknown), answer) }
      guard case .body(let bytes) = answer else { throw divergence("\(what): \(answer)") }
      try equal("\(what): bytes beyond the room of \(capacity)", true, bytes.count <= capacity)
      let page = try read(bytes, what)
      try checkPrelude(page.prelude, what, account: account, limit: limit)
      for transaction in page.transactions {
        guard found < expected.count else { throw divergence("\(what): more than the \(expected.count) expected") }
        if transaction != expected[found] {
          throw divergence("\(what): transaction \(found)\nexpected \(expected[found])\nactual   \(transaction)")
        }
        found += 1
      }
      guard page.prelude.more else { break }
      try checkProgress(what, from: cursor, to: page.prelude.next, page.transactions.last, oldestFirst: oldestFirst)
      cursor = page.prelude.next
    }
    try equal("\(what): transactions", expected!.count, found)
  }

  private func checkPrelude(_ prelude: HistoryReplyPrelude, _ what: String, account: UInt128, limit: Int) throws {
    try equal("\(what): total", UInt64(reference.transactions(of: account).count), prelude.total)
    try equal("\(what): balance", reference.balance(of: account), prelude.balance)
    try equal("\(what): within the limit of \(limit)", true, prelude.count <= limit)
    try equal("\(what): a cursor exactly when there is more", prelude.more, prelude.next != 0)
    try equal("\(what): examined as much as found", true, prelude.examined >= UInt64(prelude.count))
  }

  /// A cursor must lead on, or a client that follows it never comes to an end.
  private func checkProgress(
    _ what: String, from cursor: UInt64, to next: UInt64, _ last: ReferenceTransaction?, oldestFirst: Bool
  ) throws {
    let after = last.map { UInt64($0.sequence) } ?? cursor
    guard after != 0 else { return }
    try equal("\(what): the cursor \(next) leads on from \(after)", true, oldestFirst ? next > after : next < after)
  }

  private func read(
    _ bytes: [UInt8], _ what: String
  ) throws -> (prelude: HistoryReplyPrelude, transactions: [ReferenceTransaction]) {
    try bytes.withUnsafeBytes { body in
      let view: HistoryReplyView
      do { view = try HistoryReplyView(reading: body) } catch { throw divergence("\(what): \(error)") }
      var text = view.text[...]
      var transactions: [ReferenceTransaction] = []
      for index in 0..<view.prelude.count {
        let item = Item(reading: view[index].base)
        let reference = [UInt8](text.prefix(Int(item.referenceBytes)))
        text = text.dropFirst(reference.count)
        let note = [UInt8](text.prefix(Int(item.noteBytes)))
        text = text.dropFirst(note.count)
        let raw = [UInt8](UnsafeRawBufferPointer(start: view[index].base, count: TransactionView.bytes))
        transactions.append(try decoded(raw, view[index], reference: reference, note: note, what))
      }
      // The view has checked every length; what is left over must be zero.
      let padding =
        body.count - HistoryReplyPrelude.bytes - view.prelude.count * TransactionView.bytes - view.text.count
      try equal("\(what): padding", [UInt8](repeating: 0, count: padding), [UInt8](body.suffix(padding)))
      return (view.prelude, transactions)
    }
  }

  /// The transaction as a value, after it has been made sure that encoding it again gives the same bytes.
  private func decoded(
    _ raw: [UInt8], _ view: TransactionView, reference: [UInt8], note: [UInt8], _ what: String
  ) throws -> ReferenceTransaction {
    var transaction = ReferenceTransaction(
      shown: ItemDraft(Item(reading: view.base), reference: reference, note: note), balanceAfter: view.balanceAfter,
      timestamp: view.timestamp, sequence: view.sequence)
    transaction.refunded = view.refunded
    transaction.settlement = view.settlement ?? .none
    try equal("\(what): the bytes of a transaction", transaction.encoded, raw)
    return transaction
  }
}
