import ManaProtocol

/// The requests of a scenario, counted and timed.
struct TrafficSource: RequestSource {
  let bodyBytesMax: Int
  var meter: Meter
  private(set) var generator: ItemGenerator
  /// What the acknowledged transactions add up to; nil when nobody will ask.
  private(set) var book: AccountBook?
  /// Transactions whose reply was lost.
  private(set) var unknown: [Item] = []
  private let scenario: Scenario
  private let batch: Int
  private let page: Int
  /// Transactions still to be asked for; nil for no end.
  private var left: Int?
  private let phase: String
  private var progress: ProgressLine

  /// `limit` is the number of transactions after which there is nothing further.
  init(
    _ settings: LoadSettings, generator: ItemGenerator, book: AccountBook?, limit: UInt64?, phase: String,
    progress: ProgressLine, startNanoseconds: UInt64
  ) {
    scenario = settings.scenario
    batch = settings.batch
    page = settings.page
    bodyBytesMax = settings.bodyBytesMax
    left = limit.map { Int($0) }
    self.generator = generator
    self.book = book
    self.phase = phase
    self.progress = progress
    meter = Meter(settings.scenario, startNanoseconds: startNanoseconds)
  }

  mutating func encodeNext(into body: UnsafeMutableRawPointer) -> (opcode: Opcode, bodyBytes: Int)? {
    if let left, left <= 0 { return nil }
    switch scenario {
    case .combinationBatches, .singleCalls:
      let count = take(batch)
      return (.spend, RequestEncoder.combinations(count, from: &generator, to: body))
    case .reads:
      _ = take(page)
      return (.listTransactions, RequestEncoder.page(of: generator.account(), limit: page, to: body))
    case .mixed:
      if generator.listsNext() {
        return (.listTransactions, RequestEncoder.page(of: generator.account(), limit: page, to: body))
      }
      return (.post, RequestEncoder.batch(upTo: take(batch), to: body) { generator.mixed() })
    }
  }

  private mutating func take(_ count: Int) -> Int {
    guard let left else { return count }
    self.left = left - count
    return min(count, left)
  }

  mutating func completed(
    _ request: RequestView, _ reply: ReplyView, nowNanoseconds now: UInt64
  ) throws(LoadError) {
    meter.completed(started: request.startedNanoseconds, now: now)
    guard reply.header.status == 0 else { return try failed(request, reply) }
    if request.opcode == .listTransactions { return try countPage(reply) }
    // Taken out while the results are read, because `enter` needs the rest of this value.
    var refusals: [UInt64] = []
    swap(&refusals, &meter.tally.refusals)
    defer { swap(&refusals, &meter.tally.refusals) }
    let scan: ReplyScan
    if scenario != .mixed && book == nil {
      scan = try ReplyScan.read(request, reply, refusals: &refusals) { _, _ in }
    } else {
      scan = try ReplyScan.read(request, reply, refusals: &refusals) { item, result in enter(item, result) }
    }
    meter.tally.accepted += UInt64(scan.accepted)
    meter.tally.replayed += UInt64(scan.replayed)
  }

  /// Remembers an acknowledged transaction: for the verification, and for refunds to come.
  ///
  /// One that is replayed counts like one that is posted. Ids of a run are used once, so it was posted by this request:
  /// its first reply was lost, and the client library asked again.
  private mutating func enter(_ item: ItemView, _ result: UnsafeRawPointer) {
    guard result.u16(0) == 0 else { return }
    guard let account = generator.accounts.index(of: item.account) else {
      preconditionFailure("a transaction on an account that is not of this run")
    }
    if scenario == .mixed, item.type == TransactionType.spend.rawValue {
      generator.refundable.push(SpendRing.Spend(id: item.id, account: account))
    }
    book?.apply(account: account, type: item.type, amount: result.u64(8))
  }

  private mutating func countPage(_ reply: ReplyView) throws(LoadError) {
    do throws(ProtocolError) {
      meter.tally.read += UInt64(try HistoryReplyView(reading: reply.body).prelude.count)
    } catch {
      throw .protocolViolation("The server sent a page that the protocol does not allow: \(error)")
    }
  }

  private mutating func failed(_ request: RequestView, _ reply: ReplyView) throws(LoadError) {
    guard let status = reply.status else {
      throw .protocolViolation("The server answered with status \(reply.header.status), which has no meaning.")
    }
    meter.tally.errors[status, default: 0] += 1
    if !reply.header.flags.contains(.notExecuted) { keepUnknown(request) }
  }

  mutating func lost(_ request: RequestView, reason: String) {
    meter.tally.unknown += 1
    meter.tally.lastCut = reason
    keepUnknown(request)
  }

  private mutating func keepUnknown(_ request: RequestView) {
    guard request.opcode.isPosting, let base = request.body.baseAddress else { return }
    let count = (request.body.count - BatchView.preludeBytes) / Item.bytes
    for index in 0..<count { unknown.append(Item(reading: base + BatchView.preludeBytes + index * Item.bytes)) }
  }

  mutating func turn(nowNanoseconds now: UInt64) {
    if let sample = meter.turn(now: now) { progress.show(sample, phase, now: now) }
  }
}
