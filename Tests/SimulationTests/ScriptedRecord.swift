import ManaLedger
import ManaProtocol
import ManaTesting

/// The record of a ledger of one account that is told step by step what to do, and whose answers may be lost.
struct ScriptedRecord {
  static let account: UInt128 = 9
  private let ledger: MemoryLedger
  private(set) var requests: [SimulatedRequest] = []
  private var clock: UInt64 = 1_800_000_000_000_000_000

  /// - Parameter residentSegmentsMax: Of how many segments, of 64 KiB each, the records are in memory.
  init(residentSegmentsMax: Int = .max) {
    ledger = MemoryLedger(
      tableSeed: 3, memory: RecordMemory(segmentShift: 16, residentSegmentsMax: residentSegmentsMax))
    // What is not in memory costs as much as it does, and is read at once.
    ledger.memory.isComplete = true
  }

  /// Posts items in one request with full results; its answer may be lost.
  mutating func post(_ drafts: ItemDraft..., answered: Bool = true) { post(drafts, answered: answered) }

  mutating func post(_ drafts: [ItemDraft], answered: Bool = true) {
    let batch = ItemBatch(drafts, fullResults: true)
    clock += 1_000_000
    let answer = ledger.post(batch, now: clock)
    note(.post(batch), answered ? (.ok, CleanRecord.body(of: batch, answer)) : nil)
  }

  /// Somebody sent this, and it was lost on the way.
  mutating func lose(_ draft: ItemDraft) { note(.post(ItemBatch([draft], fullResults: true)), nil) }

  mutating func list(_ query: HistoryQuery) {
    let question = HistoryQuestion(query: query)
    note(.list(question), CleanRecord.answer(ledger.list(question, capacity: Limits.frameBytesMax)))
  }

  private mutating func note(_ content: SimulatedRequest.Content, _ answer: (status: Status, body: [UInt8])?) {
    let request = SimulatedRequest(number: requests.count, content)
    let step = requests.count * 3
    request.firstSent = step
    if let answer {
      request.answers = [.init(invoked: step, answered: step + 1, status: answer.status, body: answer.body)]
    }
    requests.append(request)
  }

  /// Holds all of it against the history that the ledger has now.
  func check() throws {
    var history: [ReferenceTransaction] = []
    var query = HistoryQuery(account: Self.account, limit: Limits.pageMax)
    query.oldestFirst = true
    query.start = 1
    while query.start != 0 {
      guard case .body(let body) = ledger.list(HistoryQuestion(query: query), capacity: Limits.frameBytesMax),
        let page = ReadAnswer.page(in: body)
      else { return }
      history += page.transactions
      query.start = page.next
    }
    try CleanRecord.check(LedgerRecord(requests: requests, histories: [Self.account: history]))
  }
}
