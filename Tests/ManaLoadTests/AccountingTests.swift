import ManaProtocol
import Testing

@testable import mana_load

@Suite struct AccountingTests {
  /// Memory that frames lie in while a source reads them.
  private func withBytes(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try bytes.withUnsafeBytes { try body($0) }
  }

  private func traffic(verifying accounts: Int = 4) -> TrafficSource {
    var settings = LoadSettings()
    settings.accounts = accounts
    settings.batch = 3
    settings.seed = 1
    return TrafficSource(
      settings, generator: ItemGenerator(accounts: accounts, distribution: .uniform, seed: 1),
      book: AccountBook(accounts: accounts), limit: nil, phase: "test", progress: ProgressLine(isSilent: true),
      startNanoseconds: 0)
  }

  /// The body of a reply with these results.
  private func reply(_ results: [ItemResult]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: BatchReplyView.bodyBytes(count: results.count, stride: 16))
    bytes.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      BatchReplyView.storePrelude(
        to: base, stride: 16, count: results.count, posted: results.count { $0.status == .ok && !$0.replayed },
        replayed: results.count { $0.replayed })
      for (index, result) in results.enumerated() { result.store(to: base + 16 + index * 16, stride: 16) }
    }
    return bytes
  }

  private func request(_ source: inout TrafficSource) -> (Opcode, [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: source.bodyBytesMax)
    var opcode = Opcode.ping
    let count = bytes.withUnsafeMutableBytes { buffer in
      guard let (code, count) = source.encodeNext(into: buffer.baseAddress!) else { return 0 }
      opcode = code
      return count
    }
    return (opcode, Array(bytes.prefix(count)))
  }

  private func answer(
    _ source: inout TrafficSource, _ opcode: Opcode, _ request: [UInt8], status: Status = .ok,
    flags: FrameHeader.Flags = [], _ body: [UInt8]
  ) throws {
    try request.withUnsafeBytes { sent in
      try body.withUnsafeBytes { received in
        let header = FrameHeader(
          opcode: opcode.rawValue | Opcode.replyBit, correlation: 1, flags: flags, status: status)
        try source.completed(
          RequestView(opcode: opcode, body: sent, startedNanoseconds: 1_000),
          ReplyView(header: header, body: received), nowNanoseconds: 251_000)
      }
    }
  }

  /// A replay among it: the client library retries a call whose reply was lost, and the ledger has it from the first try.
  @Test func whatWasAcknowledgedIsInTheBook() throws {
    var source = traffic()
    let (opcode, sent) = request(&source)
    let results = [
      ItemResult(status: .ok, sequence: 1, amount: 10_000), ItemResult(status: .insufficientBalance),
      ItemResult(status: .ok, replayed: true, sequence: 2, amount: 10_000),
    ]
    try answer(&source, opcode, sent, reply(results))
    let book = try #require(source.book)
    #expect(book.expectations.map(\.balance).reduce(0, +) == -20_000)
    #expect(book.expectations.map(\.transactions).reduce(0, +) == 2)
    let tally = source.meter.tally
    #expect(tally.accepted == 1 && tally.refused == 1 && tally.replayed == 1 && tally.requests == 1)
    #expect(tally.failures.map(\.name) == ["insufficientBalance"])
    #expect(source.unknown.isEmpty)
  }

  @Test func aReplyOfAnotherLengthOrSumIsAViolation() throws {
    let ok = ItemResult(status: .ok, sequence: 1, amount: 10_000)
    var wrongSum = reply([ok, ok, ok])
    wrongSum[8] = 2
    var wrongStatus = reply([ok, ok, ok])
    wrongStatus[16] = 99
    for body in [reply([ok, ok]), reply([ok, ok, ok, ok]), wrongSum, wrongStatus, [UInt8](repeating: 0, count: 8)] {
      var source = traffic()
      let (opcode, sent) = request(&source)
      let error = #expect(throws: LoadError.self) { try answer(&source, opcode, sent, body) }
      #expect(error?.exitStatus == 1)
    }
  }

  @Test func whatIsUnknownIsKeptAndWhatWasNotExecutedIsNot() throws {
    var source = traffic()
    let (opcode, sent) = request(&source)
    let text = ErrorBody(text: "busy").encoded
    try answer(&source, opcode, sent, status: .overloaded, flags: [.notExecuted, .retryable], text)
    #expect(source.unknown.isEmpty)
    try answer(&source, opcode, sent, status: .shuttingDown, text)
    #expect(source.unknown.count == 3)
    sent.withUnsafeBytes {
      source.lost(RequestView(opcode: opcode, body: $0, startedNanoseconds: 0), reason: "reset")
    }
    #expect(source.unknown.count == 6)
    #expect(source.meter.tally.unknown == 1 && source.meter.tally.errorCount == 2)
    sent.withUnsafeBytes { bytes in
      #expect(source.unknown[5] == Item(reading: bytes.baseAddress! + 32 + 128))
    }
  }

  private func lookUp(_ source: inout LookupSource, _ status: Status, _ body: [UInt8]) throws {
    var sent = [UInt8](repeating: 0, count: 32)
    _ = sent.withUnsafeMutableBytes { source.encodeNext(into: $0.baseAddress!) }
    try sent.withUnsafeBytes { sent in
      try body.withUnsafeBytes { body in
        try source.completed(
          RequestView(opcode: .lookupTransaction, body: sent, startedNanoseconds: 0),
          ReplyView(header: FrameHeader(opcode: 0xA2, correlation: 1, status: status), body: body), nowNanoseconds: 1)
      }
    }
  }

  @Test func lookUpsDecideAboutTheUnknown() throws {
    let accounts = AccountSet(count: 2, seed: 1)
    let items = [
      Item(id: 1, account: accounts[0], amount: 10_000, type: .spend, operation: .combination),
      Item(id: 2, account: accounts[1], amount: 10_000, type: .spend, operation: .combination),
    ]
    var source = LookupSource(items, accounts: accounts, book: AccountBook(accounts: 2))
    var found = [UInt8](repeating: 0, count: LookupReplyView.bodyBytes(textBytes: 0))
    found.withUnsafeMutableBytes { items[0].store(to: $0.baseAddress! + LookupReplyView.preludeBytes) }
    try lookUp(&source, .ok, found)
    try lookUp(&source, .transactionUnknown, ErrorBody(text: "").encoded)
    #expect(source.applied == 1 && source.notApplied == 1)
    #expect(source.book.expectations.map(\.balance) == [-10_000, 0])
  }

  private func overview(_ account: UInt128, _ balance: Int64, _ transactions: UInt64, purchased: UInt64) -> [UInt8] {
    var totals = [OperationTotal](repeating: OperationTotal(), count: 8)
    totals[5] = OperationTotal(amount: purchased, count: transactions)
    let overview = AccountOverview(
      account: account, balance: balance, unsettled: 0, unsettledCount: 0, transactions: transactions,
      firstTimestamp: 1, lastTimestamp: 1, operations: totals)
    var bytes = [UInt8](repeating: 0, count: AccountOverview.bytes)
    bytes.withUnsafeMutableBytes { overview.store(to: $0.baseAddress!) }
    return bytes
  }

  /// One account that should hold 500 after 1 transaction.
  @Test func differencesAreFound() throws {
    let accounts = AccountSet(count: 1, seed: 1)
    let cases: [(balance: Int64, transactions: UInt64, purchased: UInt64, matches: Bool)] = [
      (500, 1, 500, true), (499, 1, 499, false), (500, 2, 500, false), (500, 1, 501, false),
    ]
    for entry in cases {
      var book = AccountBook(accounts: 1)
      book.apply(account: 0, type: TransactionType.purchase.rawValue, amount: 500)
      var source = OverviewSource(accounts: accounts, book: book, progress: ProgressLine(isSilent: true))
      var sent = [UInt8](repeating: 0, count: 16)
      _ = sent.withUnsafeMutableBytes { source.encodeNext(into: $0.baseAddress!) }
      let body = overview(accounts[0], entry.balance, entry.transactions, purchased: entry.purchased)
      try sent.withUnsafeBytes { sent in
        try body.withUnsafeBytes { body in
          try source.completed(
            RequestView(opcode: .getAccount, body: sent, startedNanoseconds: 0),
            ReplyView(header: FrameHeader(opcode: 0xA1, correlation: 1), body: body), nowNanoseconds: 1)
        }
      }
      #expect(source.mismatchCount == (entry.matches ? 0 : 1), "\(entry)")
      if let mismatch = source.mismatches.first {
        #expect(mismatch.description.contains(accounts[0].identifierText))
      }
    }
  }
}
