import ManaProtocol

extension LedgerComparison {
  /// Asks one random question.
  mutating func compareSomeReading() throws {
    switch workload.number(in: 0...9) {
    case 0..<2:
      let account = workload.nextAccount()
      try equal("overview of \(account)", reference.overview(of: account), subject.overview(of: account))
    case 2..<4:
      let account = workload.nextAccount()
      let time = workload.nextMoment()
      try equal(
        "balance of \(account) at \(time)", reference.balance(of: account, at: time),
        subject.balance(of: account, at: time))
    case 4..<6:
      let (account, id) = workload.nextLookup()
      try compareLookup(account, id)
    case 6: try compareUnsettled(workload.nextAccount())
    default:
      let total = reference.transactions(of: workload.account(0)).count
      try compareList(workload.nextQuestion(total: total))
    }
  }

  /// Everything that can be asked about one account.
  mutating func compareWholeAccount(_ account: UInt128) throws {
    try equal("overview of \(account)", reference.overview(of: account), subject.overview(of: account))
    var query = HistoryQuery(account: account, limit: Limits.pageMax)
    try compareList(HistoryQuestion(query: query, reference: []))
    query.oldestFirst = true
    try compareList(HistoryQuestion(query: query, reference: []))
    try compareUnsettled(account)
    // Looking a transaction up and its moment's balance cost the reference a whole pass each: a sample will do.
    let transactions = reference.transactions(of: account)
    for index in Swift.stride(from: 0, to: transactions.count, by: max(1, transactions.count / 50)) {
      let transaction = transactions[index]
      try compareLookup(account, transaction.shown.item.id)
      for time in [transaction.timestamp - 1, transaction.timestamp, transaction.timestamp + 1] {
        try equal(
          "balance of \(account) at \(time)", reference.balance(of: account, at: time),
          subject.balance(of: account, at: time))
      }
    }
  }

  private func compareLookup(_ account: UInt128, _ id: UInt128) throws {
    let expected: Answer
    if let transaction = reference.lookup(account: account, id: id) {
      expected = .body(lookupBody(transaction))
    } else {
      expected = .refused(reference.isKnown(account) ? .transactionUnknown : .accountUnknown)
    }
    try equal("transaction \(id) of \(account)", expected, subject.lookup(account: account, id: id))
  }

  private func lookupBody(_ transaction: ReferenceTransaction) -> [UInt8] {
    let text = transaction.shown.reference + transaction.shown.note
    let unpadded = [UInt8(text.count & 0xFF), UInt8(text.count >> 8), 0, 0, 0, 0, 0, 0] + transaction.encoded + text
    return unpadded + [UInt8](repeating: 0, count: paddedToWords(unpadded.count) - unpadded.count)
  }

  private mutating func compareList(_ question: HistoryQuestion) throws {
    let expected = reference.list(question.query, reference: question.reference)
    try comparePages(
      "\(question)", account: question.query.account, expected: expected, oldestFirst: question.query.oldestFirst,
      firstLimit: question.query.limit, start: question.query.start
    ) { [subject] start, limit, capacity in
      var question = question
      question.query.start = start
      question.query.limit = limit
      return subject.list(question, capacity: capacity)
    }
  }

  private mutating func compareUnsettled(_ account: UInt128) throws {
    let start = workload.nextStart(total: reference.transactions(of: account).count)
    let expected = reference.listUnsettled(account: account, start: start)
    try comparePages(
      "unsettled of \(account) from \(start)", account: account, expected: expected, oldestFirst: false,
      firstLimit: workload.limit(), start: start
    ) { [subject] start, limit, capacity in
      subject.listUnsettled(account: account, start: start, limit: limit, capacity: capacity)
    }
  }
}
