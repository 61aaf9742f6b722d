public import ManaProtocol
internal import NIOCore

extension ManaClient {
  /// Balance, lifetime totals and counts of an account.
  ///
  /// - Throws: ``ManaError``; with the status ``Status/accountUnknown`` before the account's first credit.
  public func account(_ account: AccountID, deadline: Duration? = nil) async throws(ManaError) -> Account {
    try checkAccount(account)
    let body = ByteBuffer.encoded(16) { $0.store(u128: account.number, 0) }
    return try await read(.getAccount, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      try Account(AccountOverview(reading: bytes))
    }
  }

  /// The history of an account, newest first unless asked otherwise, fetched page by page as it is read.
  ///
  /// ```swift
  /// for try await transaction in client.transactions(of: 42, matching: .init(types: [.refund])) {
  ///   print(transaction.timestamp, transaction.change)
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - account: the account.
  ///   - filter: which transactions are wanted.
  ///   - cursor: where to start, from an earlier page; nil for the newest, or the oldest with `oldestFirst`.
  ///   - oldestFirst: the direction.
  ///   - pageSize: transactions a request, 1 to 1000. Unless they are read to the end, smaller pages fetch less.
  ///   - deadline: how long to wait for each page; nil for the configuration's.
  /// - Returns: a sequence that fetches when it is iterated. Its iteration throws ``ManaError``.
  public func transactions(
    of account: AccountID, matching filter: HistoryFilter = .all, from cursor: HistoryCursor? = nil,
    oldestFirst: Bool = false, pageSize: Int = 100, deadline: Duration? = nil
  ) -> TransactionHistory {
    TransactionHistory(
      client: self, account: account, source: .history(filter, oldestFirst: oldestFirst), cursor: cursor,
      pageSize: pageSize, deadline: deadline)
  }

  /// One page of an account's history.
  ///
  /// - Parameters:
  ///   - account: the account.
  ///   - filter: which transactions are wanted.
  ///   - limit: most transactions in the page, 1 to 1000.
  ///   - cursor: where to start, included: the `nextCursor` of an earlier page, or any sequence number; nil for the
  ///     newest, or the oldest with `oldestFirst`.
  ///   - oldestFirst: the direction.
  ///   - deadline: how long to wait; nil for the configuration's.
  /// - Throws: ``ManaError``; with ``ManaError/Code/invalidArgument`` for a filter that cannot be meant.
  public func page(
    of account: AccountID, matching filter: HistoryFilter = .all, limit: Int = 100, from cursor: HistoryCursor? = nil,
    oldestFirst: Bool = false, deadline: Duration? = nil
  ) async throws(ManaError) -> HistoryPage {
    let body = try filter.encoded(account: account, limit: limit, from: cursor, oldestFirst: oldestFirst)
    return try await read(.listTransactions, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      try HistoryPage(HistoryReplyView(reading: bytes))
    }
  }

  /// The spends of an account that are charged and not settled yet, newest first.
  ///
  /// - Parameters:
  ///   - account: the account.
  ///   - cursor: where to start, from an earlier page; nil for the newest.
  ///   - pageSize: transactions a request, 1 to 1000.
  ///   - deadline: how long to wait for each page; nil for the configuration's.
  public func unsettled(
    of account: AccountID, from cursor: HistoryCursor? = nil, pageSize: Int = 100, deadline: Duration? = nil
  ) -> TransactionHistory {
    TransactionHistory(
      client: self, account: account, source: .unsettled, cursor: cursor, pageSize: pageSize, deadline: deadline)
  }

  /// One page of the unsettled spends.
  func unsettledPage(
    of account: AccountID, limit: Int, from cursor: HistoryCursor?, deadline: Duration?
  ) async throws(ManaError) -> HistoryPage {
    try checkAccount(account)
    try HistoryFilter.checkLimit(limit)
    let body = ByteBuffer.encoded(32) {
      $0.store(u128: account.number, 0)
      $0.store(u64: cursor?.sequence ?? 0, 16)
      $0.store(u32: UInt32(limit), 24)
    }
    return try await read(.listUnsettled, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      try HistoryPage(HistoryReplyView(reading: bytes))
    }
  }

  /// A transaction by its id.
  ///
  /// - Throws: ``ManaError``; with the status ``Status/transactionUnknown`` when the account has none with this id.
  public func transaction(
    id: TransactionID, of account: AccountID, deadline: Duration? = nil
  ) async throws(ManaError) -> Transaction {
    try checkAccount(account)
    let body = ByteBuffer.encoded(LookupReplyView.requestBytes) {
      $0.store(u128: account.number, 0)
      $0.store(u128: id.number, 16)
    }
    return try await read(.lookupTransaction, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      let view = try LookupReplyView(reading: bytes)
      return try Transaction(view.transaction, text: view.text, textOffset: 0)
    }
  }

  /// The balance that an account had at a moment: after its last transaction that was not later.
  ///
  /// - Throws: ``ManaError``; with the status ``Status/accountUnknown`` before the account's first credit.
  public func balance(
    of account: AccountID, at moment: Timestamp, deadline: Duration? = nil
  ) async throws(ManaError) -> HistoricBalance {
    try checkAccount(account)
    let body = ByteBuffer.encoded(BalanceAt.requestBytes) {
      $0.store(u128: account.number, 0)
      $0.store(u64: moment.nanoseconds, 16)
    }
    return try await read(.balanceAt, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      HistoricBalance(try BalanceAt(reading: bytes))
    }
  }

  /// Asks the server for an answer that needs no ledger.
  ///
  /// - Returns: the time from the call to its answer.
  @discardableResult
  public func ping(deadline: Duration? = nil) async throws(ManaError) -> Duration {
    let start = ContinuousClock.now
    let reply = try await call(.ping, ByteBuffer(), deadline: deadline, transactionID: nil)
    guard reply.readableBytes == 0 else {
      throw ManaError(malformed: ProtocolError(.malformedBody, "a ping comes back unchanged"))
    }
    return ContinuousClock.now - start
  }

  /// What the server says about itself now.
  public func serverStatus(deadline: Duration? = nil) async throws(ManaError) -> ServerStatus {
    try await read(.serverStatus, ByteBuffer(), deadline: deadline) { (bytes) throws(ProtocolError) in
      try ServerStatus(reading: bytes)
    }
  }

  /// What each of the server's shards says about itself now: counters, latencies, queues, how far its journal is.
  public func shardStatus(deadline: Duration? = nil) async throws(ManaError) -> ShardStatusReply {
    var status = try await shardStatus(first: 0, deadline: deadline)
    let count = serverInformation?.shardCount ?? 0
    while status.shards.count < count {
      let more = try await shardStatus(first: status.shards.count, deadline: deadline)
      // A server that has fewer shards now has been restarted with another ledger.
      guard !more.shards.isEmpty else { break }
      status.shards += more.shards
    }
    return status
  }

  /// What the shards from `first` say, as many as a frame holds.
  private func shardStatus(first: Int, deadline: Duration?) async throws(ManaError) -> ShardStatusReply {
    var body = ByteBuffer()
    body.writeInteger(UInt64(first), endianness: .little)
    return try await read(.shardStatus, body, deadline: deadline) { (bytes) throws(ProtocolError) in
      try ShardStatusReply(reading: bytes)
    }
  }

  /// Asks the server to finish what is in flight and to end. Returns once it has begun to; where the server knows its
  /// callers, that needs the role `operate`.
  public func drainServer(deadline: Duration? = nil) async throws(ManaError) {
    let reply = try await call(.drain, ByteBuffer(), deadline: deadline, transactionID: nil)
    guard reply.readableBytes == 0 else {
      throw ManaError(malformed: ProtocolError(.malformedBody, "the answer to drain has no body"))
    }
  }

  private func read<Value>(
    _ opcode: Opcode, _ body: ByteBuffer, deadline: Duration?,
    _ decode: (UnsafeRawBufferPointer) throws(ProtocolError) -> Value
  ) async throws(ManaError) -> Value {
    let reply = try await call(opcode, body, deadline: deadline, transactionID: nil)
    do throws(ProtocolError) {
      return try reply.decoded(decode)
    } catch {
      throw ManaError(malformed: error)
    }
  }

  private func checkAccount(_ account: AccountID) throws(ManaError) {
    guard account.number != 0 else {
      throw ManaError(.invalidArgument, execution: .notExecuted, message: "zero is no account")
    }
  }
}
