import ManaLedger
public import ManaProtocol

/// The real ledger over records in memory.
public final class MemoryLedger: LedgerSubject {
  /// Where the records are.
  public let memory: RecordMemory
  private var ledger: Ledger
  private var tableSeed: UInt64
  private let hashBits: UInt64
  /// Batches so far; each is what its hints were of, and what the hints of those before it meet.
  private var batches = 0
  private let page = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.frameBytesMax, alignment: 64)

  /// - Parameters:
  ///   - tableSeed: Seeds the hashing of the tables. Each restart takes another one: no answer and no digest may depend
  ///     on it.
  ///   - hashBits: Those of the hash of a transaction that count.
  public init(tableSeed: UInt64, hashBits: UInt64 = .max, memory: RecordMemory = RecordMemory()) {
    self.memory = memory
    self.tableSeed = tableSeed
    self.hashBits = hashBits
    ledger = Ledger(records: memory.space, tableSeed: tableSeed, hashBits: hashBits)
  }

  /// Calls `body` until nothing that it needs is absent any more, as a server does that reads from a disk.
  private func patiently<Result>(_ body: () throws(AbsentRecord) -> Result) -> Result {
    defer { memory.forget() }
    while true {
      do throws(AbsentRecord) {
        return try body()
      } catch {
        memory.bring(error)
      }
    }
  }

  deinit { page.deallocate() }

  public func post(_ batch: ItemBatch, now: UInt64) -> PostAnswer {
    let built = BatchBuilder(batch)
    let count = batch.drafts.count
    var results = [UInt8](repeating: 0xEE, count: count * batch.resultStride)
    var writer = memory.open(bytesMax: Ledger.recordBytesMax(items: count, textBytes: built.text.count))
    let outcome = built.items.withUnsafeBytes { items in
      giveHints(of: items)
      return built.text.withUnsafeBytes { text in
        results.withUnsafeMutableBytes { results in
          post(
            ItemSource(items: items.baseAddress!, count: count, text: text.baseAddress), batch, now: now, &writer,
            results: results.baseAddress!)
        }
      }
    }
    memory.close(writer)
    return PostAnswer(
      results: results, posted: outcome.posted, replayed: outcome.replayed, refused: outcome.refused,
      atomicApplied: outcome.atomicApplied)
  }

  /// What a server does that has several calls at hand: it may change no answer, whatever comes next.
  private func giveHints(of items: UnsafeRawBufferPointer) {
    batches += 1
    let count = min(items.count / Item.bytes, Ledger.aheadItemsMax)
    let pointers = (0..<count).map { items.baseAddress! + $0 * Item.bytes }
    pointers.withUnsafeBufferPointer { ledger.locateAhead($0, group: batches % Ledger.aheadGroups) }
    ledger.approachAhead(group: batches % Ledger.aheadGroups, count: count)
  }

  /// Executes a batch piece by piece, each up to an item that needs an absent record.
  private func post(
    _ source: ItemSource, _ batch: ItemBatch, now: UInt64, _ writer: inout RecordWriter,
    results: UnsafeMutableRawPointer
  ) -> PostOutcome {
    var total = PostOutcome()
    var text = source.text
    defer { memory.forget() }
    while true {
      let start = total.executed
      let outcome = ledger.post(
        ItemSource(items: source.items + start * Item.bytes, count: source.count - start, text: text),
        itemType: batch.itemType, atomic: batch.atomic, now: now, writer: &writer,
        results: results + start * batch.resultStride, resultStride: batch.resultStride)
      total.posted += outcome.posted
      total.replayed += outcome.replayed
      total.refused += outcome.refused
      total.atomicApplied = outcome.atomicApplied
      guard let absent = outcome.absent else { return total }
      let items = (start..<total.executed).map { ItemView(source.items + $0 * Item.bytes) }
      text = text.map { $0 + items.reduce(0) { $0 + $1.textBytes } }
      memory.bring(absent)
    }
  }

  public func expire(now: UInt64, limit: Int) -> Int {
    var writer = memory.open(bytesMax: Ledger.expiryBytesMax(limit: limit))
    defer {
      memory.close(writer)
      memory.forget()
    }
    var left = limit
    while true {
      let outcome = ledger.expire(now: now, limit: left, writer: &writer)
      left -= outcome.posted
      guard let absent = outcome.absent else { return limit - left }
      memory.bring(absent)
    }
  }

  public var nextDeadline: UInt64? { ledger.nextDeadline }
  public var accountCount: Int { ledger.accountCount }
  public var transactionCount: Int { Int(ledger.transactionCount) }
  public var lastTimestamp: UInt64 { ledger.lastTimestamp }
  public var digest: UInt64 { ledger.digest }

  public func restart() throws {
    memory.isComplete = true
    defer { memory.isComplete = false }
    tableSeed = mix64(tableSeed &+ 1)
    ledger = Ledger(records: memory.space, tableSeed: tableSeed, hashBits: hashBits)
    for block in memory.blocks {
      try ledger.replay(
        block: UnsafeRawBufferPointer(block.bytes), firstPosition: block.firstPosition, recordCount: block.recordCount)
    }
  }

  public func checkInvariants() {
    memory.isComplete = true
    ledger.checkInvariants()
    memory.isComplete = false
  }
}

extension MemoryLedger {
  public func overview(of account: UInt128) -> AccountOverview? { ledger.overview(of: account) }

  public func balance(of account: UInt128, at time: UInt64) -> BalanceAt? {
    patiently { () throws(AbsentRecord) in try ledger.balance(of: account, at: time) }
  }

  public func list(_ question: HistoryQuestion, capacity: Int) -> Answer {
    let outcome = question.reference.withUnsafeBytes { reference in
      patiently { () throws(AbsentRecord) in
        try ledger.list(
          question.query, reference: reference, into: page.baseAddress!, capacity: min(capacity, page.count))
      }
    }
    return answer(outcome.status, bytes: outcome.bytes)
  }

  public func listUnsettled(account: UInt128, start: UInt64, limit: Int, capacity: Int) -> Answer {
    let outcome = patiently { () throws(AbsentRecord) in
      try ledger.listUnsettled(
        account: account, start: start, limit: limit, into: page.baseAddress!, capacity: min(capacity, page.count))
    }
    return answer(outcome.status, bytes: outcome.bytes)
  }

  public func lookup(account: UInt128, id: UInt128) -> Answer {
    let outcome = patiently { () throws(AbsentRecord) in
      try ledger.lookup(account: account, id: id, into: page.baseAddress!, capacity: page.count)
    }
    return answer(outcome.status, bytes: outcome.bytes)
  }

  private func answer(_ status: Status, bytes: Int) -> Answer {
    status == .ok ? .body([UInt8](page[..<bytes])) : .refused(status)
  }
}
