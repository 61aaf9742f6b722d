import ManaProtocol

/// Answers to reads, and what the reference would have answered.
package enum ReadAnswer {
  /// How many transactions of the account an answer shows to be there.
  static func transactionsShown(by content: SimulatedRequest.Content, _ body: [UInt8]) -> Int {
    body.withUnsafeBytes { bytes in
      switch content {
      case .overview: (try? AccountOverview(reading: bytes)).map { Int($0.transactions) } ?? 0
      case .list, .unsettled: bytes.count >= HistoryReplyPrelude.bytes ? Int(bytes.baseAddress!.u64(8)) : 0
      case .lookup: (try? LookupReplyView(reading: bytes)).map { Int($0.transaction.sequence) } ?? 0
      case .balance: (try? BalanceAt(reading: bytes)).map { Int($0.sequence) } ?? 0
      case .post, .ping, .status: 0
      }
    }
  }

  /// Whether the answer is the one that the reference gives in its present state.
  static func matches(
    _ content: SimulatedRequest.Content, _ status: Status, _ body: [UInt8], _ reference: ReferenceLedger
  ) -> Bool {
    let isWholeAccount =
      switch content {
      case .overview, .list, .unsettled: true
      case .lookup, .balance, .post, .ping, .status: false
      }
    if isWholeAccount, status == .ok, let account = content.account,
      transactionsShown(by: content, body) != reference.transactionCount(of: account)
    {
      return false
    }
    switch content {
    case .overview(let account):
      guard let expected = reference.overview(of: account) else { return status == .accountUnknown }
      return status == .ok && body.withUnsafeBytes { (try? AccountOverview(reading: $0)) == expected }
    case .balance(let account, let time):
      guard let expected = reference.balance(of: account, at: time) else { return status == .accountUnknown }
      return status == .ok && body.withUnsafeBytes { (try? BalanceAt(reading: $0)) == expected }
    case .lookup(let account, let id):
      guard reference.isKnown(account) else { return status == .accountUnknown }
      guard let expected = reference.lookup(account: account, id: id) else { return status == .transactionUnknown }
      return status == .ok && lookup(in: body) == expected
    case .list(let question):
      let expected = reference.list(question.query, reference: question.reference)
      return matchesPage(
        expected, question.query.limit, question.query.account, oldestFirst: question.query.oldestFirst, status, body,
        reference)
    case .unsettled(let account, let start, let limit):
      let expected = reference.listUnsettled(account: account, start: start)
      return matchesPage(expected, limit, account, oldestFirst: false, status, body, reference)
    case .post, .ping, .status: return true
    }
  }

  /// A page is what was asked for from its beginning on. It may end before the limit when so much had to be examined
  /// that a call must not look at more; where there is more, its cursor leads to exactly what it left out.
  private static func matchesPage(
    _ expected: [ReferenceTransaction]?, _ limit: Int, _ account: UInt128, oldestFirst: Bool, _ status: Status,
    _ body: [UInt8], _ reference: ReferenceLedger
  ) -> Bool {
    guard let expected else { return status == .accountUnknown }
    guard status == .ok, let page = page(in: body) else { return false }
    let count = page.transactions.count
    guard page.total == UInt64(reference.transactionCount(of: account)),
      page.balance == reference.balance(of: account), count <= limit, count <= expected.count,
      page.transactions.elementsEqual(expected.prefix(count))
    else { return false }
    guard page.more else { return page.next == 0 && count == expected.count }
    let further = expected.count { oldestFirst ? $0.sequence >= page.next : $0.sequence <= page.next }
    return page.next != 0 && further == expected.count - count && (count == limit || page.examined >= examinedMin)
  }

  /// A call that finds too little examines at least so many records before it gives up.
  private static let examinedMin = UInt64(Limits.pageMax)

  /// A page of a history as values.
  package struct Page {
    package var transactions: [ReferenceTransaction]
    package var total: UInt64
    package var balance: Int64
    package var more: Bool
    package var next: UInt64
    package var examined: UInt64
  }

  /// Decodes a page; nil when it cannot be one.
  package static func page(in body: [UInt8]) -> Page? {
    body.withUnsafeBytes { bytes in
      guard let view = try? HistoryReplyView(reading: bytes) else { return nil }
      var text = view.text[...]
      var transactions: [ReferenceTransaction] = []
      for index in 0..<view.prelude.count {
        let count = view[index].item.textBytes
        transactions.append(transaction(view[index], text: UnsafeRawBufferPointer(rebasing: text.prefix(count))))
        text = text.dropFirst(count)
      }
      return Page(
        transactions: transactions, total: view.prelude.total, balance: view.prelude.balance, more: view.prelude.more,
        next: view.prelude.next, examined: view.prelude.examined)
    }
  }

  private static func lookup(in body: [UInt8]) -> ReferenceTransaction? {
    body.withUnsafeBytes { bytes in
      (try? LookupReplyView(reading: bytes)).map { transaction($0.transaction, text: $0.text) }
    }
  }

  private static func transaction(_ view: TransactionView, text: UnsafeRawBufferPointer) -> ReferenceTransaction {
    let item = Item(reading: view.base)
    var transaction = ReferenceTransaction(
      shown: ItemDraft(
        item, reference: [UInt8](text.prefix(Int(item.referenceBytes))),
        note: [UInt8](text.dropFirst(Int(item.referenceBytes)))),
      balanceAfter: view.balanceAfter, timestamp: view.timestamp, sequence: view.sequence)
    transaction.refunded = view.refunded
    transaction.settlement = view.settlement ?? .none
    return transaction
  }
}
