import ManaClient
import ManaProtocol

/// One task of a run: makes a call, waits for it, makes the next.
struct ClientCaller<Source: RequestSource> {
  let client: ManaClient
  let shared: SharedSource<Source>

  func run() async {
    let memory = CallMemory(requestBytes: shared.bodyBytesMax)
    var batch = Batch(capacity: shared.bodyBytesMax / Item.bytes)
    while let taken = shared.take(into: memory.request) {
      if taken.dueNanoseconds > taken.takenNanoseconds {
        guard await sleep(until: taken.dueNanoseconds) else { return }
      }
      await call(
        RequestView(
          opcode: taken.opcode, body: UnsafeRawBufferPointer(start: memory.request, count: taken.bodyBytes),
          startedNanoseconds: taken.dueNanoseconds), memory, &batch)
    }
  }

  /// False when the task was cancelled.
  private func sleep(until moment: UInt64) async -> Bool {
    let now = System.now()
    guard moment > now else { return true }
    do {
      try await Task.sleep(nanoseconds: moment - now)
      return true
    } catch {
      // Cancellation is the only error of a sleep, and it ends the run.
      return false
    }
  }

  private func call(_ request: RequestView, _ memory: CallMemory, _ batch: inout Batch) async {
    do throws(ManaError) {
      let replyBytes: Int
      let body = UnsafeRawPointer(memory.request)
      switch request.opcode {
      case .listTransactions:
        replyBytes = memory.store(try await client.page(of: AccountID(body.u128(0)), limit: Int(body.u32(24))))
      case .getAccount: replyBytes = memory.store(try await client.account(AccountID(body.u128(0))))
      case .lookupTransaction:
        replyBytes = memory.store(
          try await client.transaction(id: TransactionID(body.u128(16)), of: AccountID(body.u128(0))))
      default: replyBytes = try await post(request, memory, &batch)
      }
      complete(
        request, FrameHeader(opcode: request.opcode.rawValue | Opcode.replyBit, correlation: 0), memory, replyBytes)
    } catch {
      fail(request, error, memory)
    }
  }

  private func post(
    _ request: RequestView, _ memory: CallMemory, _ batch: inout Batch
  ) async throws(ManaError) -> Int {
    let count = (request.body.count - BatchView.preludeBytes) / Item.bytes
    guard count > 1 else { return try await single(memory.item(0), memory) }
    batch.removeAll()
    for index in 0..<count { try Self.append(memory.item(index), to: &batch) }
    return memory.store(try await client.post(batch))
  }

  private func single(_ item: Item, _ memory: CallMemory) async throws(ManaError) -> Int {
    let (account, id) = (AccountID(item.account), TransactionID(item.id))
    let amount = Mana(micromana: Int64(bitPattern: item.amount))
    do throws(ManaError) {
      let receipt: Receipt
      switch TransactionType(rawValue: item.type) {
      case .purchase: receipt = try await client.purchase(account, amount, id: id)
      case .bonus: receipt = try await client.bonus(account, amount, id: id)
      case .refund: receipt = try await client.refund(account, of: TransactionID(item.related), id: id)
      default:
        receipt = try await client.spend(
          account, amount, for: Operation(rawValue: item.operation) ?? .combination, quantity: Int(item.quantity),
          id: id)
      }
      return memory.store(.success(receipt))
    } catch {
      guard let refusal = error.refusal else { throw error }
      return memory.store(.failure(refusal))
    }
  }

  private static func append(_ item: Item, to batch: inout Batch) throws(ManaError) {
    let (account, id) = (AccountID(item.account), TransactionID(item.id))
    let amount = Mana(micromana: Int64(bitPattern: item.amount))
    switch TransactionType(rawValue: item.type) {
    case .purchase: try batch.purchase(account, amount, id: id)
    case .bonus: try batch.bonus(account, amount, id: id)
    case .refund: try batch.refund(account, of: TransactionID(item.related), id: id)
    default:
      try batch.spend(
        account, amount, for: Operation(rawValue: item.operation) ?? .combination, quantity: Int(item.quantity), id: id)
    }
  }

  private func complete(_ request: RequestView, _ header: FrameHeader, _ memory: CallMemory, _ replyBytes: Int) {
    let reply = ReplyView(header: header, body: UnsafeRawBufferPointer(start: memory.reply, count: replyBytes))
    shared.settle { (source, now) throws(LoadError) in try source.completed(request, reply, nowNanoseconds: now) }
  }

  /// A call that was refused as a whole, or whose fate is unknown, or that could not be made.
  private func fail(_ request: RequestView, _ error: ManaError, _ memory: CallMemory) {
    if error.execution == .unknown {
      shared.settle { (source, _) throws(LoadError) in try source.lost(request, reason: "\(error)") }
    } else if let status = error.status {
      let flags: FrameHeader.Flags = error.execution == .notExecuted ? [.notExecuted] : []
      let opcode = request.opcode.rawValue | Opcode.replyBit
      complete(request, FrameHeader(opcode: opcode, correlation: 0, flags: flags, status: status), memory, 0)
    } else {
      shared.settle { (_, _) throws(LoadError) in throw LoadError.unreachable("\(error)") }
    }
  }
}

/// The memory of one task: a request and its reply in the protocol's layout.
final class CallMemory {
  let request: UnsafeMutableRawPointer
  private(set) var reply: UnsafeMutableRawPointer
  private var replyCapacity = 4_096

  init(requestBytes: Int) {
    request = .allocate(byteCount: max(requestBytes, 8), alignment: 64)
    reply = .allocate(byteCount: replyCapacity, alignment: 64)
  }

  deinit {
    request.deallocate()
    reply.deallocate()
  }

  func item(_ index: Int) -> Item {
    Item(reading: UnsafeRawPointer(request) + BatchView.preludeBytes + index * Item.bytes)
  }

  /// Writes the results of a batch and returns their length.
  func store(_ results: BatchResults) -> Int {
    let bytes = reserve(BatchReplyView.bodyBytes(count: results.count, stride: ItemResult.compactBytes))
    BatchReplyView.storePrelude(
      to: reply, stride: ItemResult.compactBytes, count: results.count, posted: results.postedCount,
      replayed: results.replayedCount)
    for (index, result) in results.enumerated() { store(result, at: index) }
    return bytes
  }

  /// Writes the result of a single call and returns its length.
  func store(_ result: Result<Receipt, Refusal>) -> Int {
    let bytes = reserve(BatchReplyView.bodyBytes(count: 1, stride: ItemResult.compactBytes))
    var (posted, replayed) = (0, 0)
    if case .success(let receipt) = result { (posted, replayed) = receipt.replayed ? (0, 1) : (1, 0) }
    BatchReplyView.storePrelude(
      to: reply, stride: ItemResult.compactBytes, count: 1, posted: posted, replayed: replayed)
    store(result, at: 0)
    return bytes
  }

  /// Writes an account's overview and returns its length.
  func store(_ account: Account) -> Int {
    let bytes = reserve(AccountOverview.bytes)
    AccountOverview(
      account: account.id.number, balance: account.balance.micromana,
      unsettled: UInt64(bitPattern: account.unsettled.micromana), unsettledCount: UInt64(account.unsettledCount),
      transactions: UInt64(account.transactionCount), firstTimestamp: account.firstTransaction.nanoseconds,
      lastTimestamp: account.lastTransaction.nanoseconds,
      operations: Operation.allCases.map {
        OperationTotal(amount: UInt64(bitPattern: account[$0].amount.micromana), count: UInt64(account[$0].count))
      }
    ).store(to: reply)
    return bytes
  }

  /// Writes what a source asks of a transaction, type and amount, and returns the length.
  func store(_ transaction: Transaction) -> Int {
    let bytes = reserve(LookupReplyView.bodyBytes(textBytes: 0))
    reply.zero(0, count: bytes)
    Item(
      id: transaction.id.number, account: transaction.account.number,
      amount: UInt64(bitPattern: transaction.amount.micromana), type: transaction.type, operation: transaction.operation
    ).store(to: reply + LookupReplyView.preludeBytes)
    return bytes
  }

  /// Writes a page of as many transactions, all zero: a source counts them and looks no further.
  func store(_ page: HistoryPage) -> Int {
    let count = page.transactions.count
    let bytes = reserve(HistoryReplyPrelude.bytes + count * TransactionView.bytes)
    reply.zero(HistoryReplyPrelude.bytes, count: count * TransactionView.bytes)
    HistoryReplyPrelude(
      count: count, more: page.nextCursor != nil, total: UInt64(page.total), next: page.nextCursor?.sequence ?? 0,
      balance: page.balance.micromana, textBytes: 0, examined: UInt64(count)
    ).store(to: reply)
    return bytes
  }

  private func store(_ result: Result<Receipt, Refusal>, at index: Int) {
    let place = reply + BatchReplyView.preludeBytes + index * ItemResult.compactBytes
    switch result {
    case .success(let receipt):
      ItemResult(
        status: .ok, replayed: receipt.replayed, sequence: receipt.sequence,
        amount: UInt64(bitPattern: receipt.amount.magnitude.micromana)
      ).store(to: place, stride: ItemResult.compactBytes)
    case .failure(let refusal):
      ItemResult(status: refusal.status, field: refusal.conflictField).store(
        to: place, stride: ItemResult.compactBytes)
    }
  }

  private func reserve(_ bytes: Int) -> Int {
    guard bytes > replyCapacity else { return bytes }
    reply.deallocate()
    reply = .allocate(byteCount: bytes, alignment: 64)
    replyCapacity = bytes
    return bytes
  }
}
