import ManaLedger
import ManaProtocol
import ManaTesting

/// The record of a ledger that did everything right: random work for one shard in memory, asked and answered one after
/// the other.
struct CleanRecord {
  var record: LedgerRecord
  /// When the clock stood at the end.
  let endTime: UInt64

  static func check(_ record: LedgerRecord) throws { try record.check(timeoutID: TimeoutID.next(after:)) }

  init(seed: UInt64, batches: Int = 120) {
    let ledger = MemoryLedger(tableSeed: seed)
    var workload = Workload(seed: seed, shape: Workload.Shape(accounts: 4, itemsMax: 8))
    var requests: [SimulatedRequest] = []
    func ask(_ content: SimulatedRequest.Content, _ answer: (Status, [UInt8])) {
      let request = SimulatedRequest(number: requests.count, content)
      let step = requests.count * 3
      request.firstSent = step
      request.answers = [.init(invoked: step, answered: step + 1, status: answer.0, body: answer.1)]
      requests.append(request)
    }
    for _ in 0..<batches {
      var batch = workload.nextBatch()
      batch.fullResults = true
      let answer = ledger.post(batch, now: workload.clock)
      ask(.post(batch), (.ok, Self.body(of: batch, answer)))
      _ = ledger.expire(now: workload.clock, limit: 1_000)
      let account = workload.nextAccount()
      ask(.overview(account), Self.answer(to: account, ledger))
      let question = workload.nextQuestion(total: 10)
      ask(.list(question), Self.answer(ledger.list(question, capacity: Limits.frameBytesMax)))
    }
    endTime = workload.clock
    var histories: [UInt128: [ReferenceTransaction]] = [:]
    for number in 0..<workload.shape.accounts {
      let account = workload.account(number)
      var query = HistoryQuery(account: account, limit: Limits.pageMax)
      query.oldestFirst = true
      guard case .body(let body) = ledger.list(HistoryQuestion(query: query), capacity: Limits.frameBytesMax),
        let page = ReadAnswer.page(in: body)
      else { continue }
      histories[account] = page.transactions
    }
    record = LedgerRecord(requests: requests, histories: histories)
  }

  static func body(of batch: ItemBatch, _ answer: PostAnswer) -> [UInt8] {
    var prelude = [UInt8](repeating: 0, count: BatchReplyView.preludeBytes)
    prelude.withUnsafeMutableBytes {
      BatchReplyView.storePrelude(
        to: $0.baseAddress!, stride: batch.resultStride, count: batch.drafts.count, posted: answer.posted,
        replayed: answer.replayed)
    }
    return prelude + answer.results
  }

  static func answer(_ answer: Answer) -> (Status, [UInt8]) {
    switch answer {
    case .body(let body): (.ok, body)
    case .refused(let status): (status, [])
    }
  }

  private static func answer(to account: UInt128, _ ledger: MemoryLedger) -> (Status, [UInt8]) {
    guard let overview = ledger.overview(of: account) else { return (.accountUnknown, []) }
    var body = [UInt8](repeating: 0, count: AccountOverview.bytes)
    body.withUnsafeMutableBytes { overview.store(to: $0.baseAddress!) }
    return (.ok, body)
  }
}
