public import ManaProtocol

/// Where the subject and the reference part.
public struct Divergence: Error, CustomStringConvertible, Sendable {
  /// The seed that shows it again.
  public let seed: UInt64
  /// The number of the batch after which it was seen.
  public let batch: Int
  /// What was asked, what the reference says, what the subject says.
  public let message: String

  public var description: String { "seed \(seed), batch \(batch): \(message)" }
}

/// Puts the same questions to a ledger and to the reference and compares each byte of the answers.
public struct LedgerComparison {
  let seed: UInt64
  let subject: any LedgerSubject
  var workload: Workload
  var reference: ReferenceLedger
  /// Batches so far.
  public private(set) var batches = 0
  /// Items so far.
  public private(set) var items = 0
  /// Restarts so far.
  public private(set) var restarts = 0
  /// How often each status was the result of an item.
  public private(set) var statuses: [Status: Int] = [:]

  public init(
    seed: UInt64, subject: any LedgerSubject, shape: Workload.Shape = Workload.Shape(),
    timeoutID: @escaping @Sendable (UInt128) -> UInt128
  ) {
    self.seed = seed
    self.subject = subject
    workload = Workload(seed: seed, shape: shape)
    reference = ReferenceLedger(timeoutID: timeoutID)
  }

  /// Posts at least `operations` items, asks in between, restarts about eight times, and compares everything at the
  /// end. Throws at the first difference.
  public mutating func run(operations: Int) throws {
    let batchesExpected = max(8, operations / 12)
    while items < operations {
      try compareNextBatch()
      if workload.chance(1, in: 4) { try compareExpiry() }
      // A reading costs the reference a pass over a whole history: as histories grow, they become rarer.
      if workload.chance(1, in: max(3, batches / 500)) { try compareSomeReading() }
      if workload.chance(8, in: batchesExpected) { try compareRestart() }
    }
    try compareRestart()
    for account in reference.accountIDs { try compareWholeAccount(account) }
  }

  private mutating func compareNextBatch() throws {
    let batch = workload.nextBatch()
    let report = reference.post(batch, now: workload.clock)
    batches += 1
    items += batch.drafts.count
    for result in report.results { statuses[result.status, default: 0] += 1 }
    let answer = subject.post(batch, now: workload.clock)
    let stride = batch.resultStride
    let expected = report.encoded(stride: stride)
    if answer.results != expected {
      throw divergence(differingResult(batch, expected: expected, actual: answer.results, stride: stride))
    }
    try equal("posted", report.posted, answer.posted)
    try equal("replayed", report.replayed, answer.replayed)
    try equal("refused", report.refused, answer.refused)
    if batch.atomic { try equal("atomic applied", report.refused == 0, answer.atomicApplied) }
    try equal("last timestamp", reference.lastTimestamp, subject.lastTimestamp)
  }

  private mutating func compareExpiry() throws {
    let limit = workload.chance(1, in: 2) ? 1_000 : workload.number(in: 0...3)
    let expected = reference.expire(now: workload.clock, limit: limit)
    try equal("expired", expected, subject.expire(now: workload.clock, limit: limit))
    try equal("last timestamp", reference.lastTimestamp, subject.lastTimestamp)
    try equal("next deadline", reference.nextDeadline, subject.nextDeadline)
  }

  private mutating func compareRestart() throws {
    let digest = subject.digest
    subject.checkInvariants()
    do { try subject.restart() } catch { throw divergence("the records cannot be replayed: \(error)") }
    restarts += 1
    reference.restart()
    try equal("digest after a restart", digest, subject.digest)
    subject.checkInvariants()
    try equal("accounts", reference.accountCount, subject.accountCount)
    try equal("transactions", reference.transactionCount, subject.transactionCount)
    try equal("last timestamp", reference.lastTimestamp, subject.lastTimestamp)
    try equal("next deadline", reference.nextDeadline, subject.nextDeadline)
    for account in reference.accountIDs {
      try equal("overview of \(account)", reference.overview(of: account), subject.overview(of: account))
    }
  }
}

extension LedgerComparison {
  func divergence(_ message: String) -> Divergence { Divergence(seed: seed, batch: batches, message: message) }

  func equal<Value: Equatable>(_ what: String, _ expected: Value, _ actual: Value) throws {
    if expected != actual { throw divergence("\(what): expected \(expected), the ledger says \(actual)") }
  }

  /// Names the first result that differs, and its item.
  private func differingResult(_ batch: ItemBatch, expected: [UInt8], actual: [UInt8], stride: Int) -> String {
    guard expected.count == actual.count else { return "\(actual.count) bytes of results, not \(expected.count)" }
    let index = expected.indices.first { expected[$0] != actual[$0] }! / stride
    func result(_ bytes: [UInt8]) -> String {
      bytes.withUnsafeBytes { "\(ItemResult(reading: $0.baseAddress! + index * stride, stride: stride), default: "?")" }
    }
    return """
      item \(index) of \(batch.drafts.count), atomic \(batch.atomic), call \(batch.itemType?.name ?? "post"), \
      now \(workload.clock)
      \(batch.drafts[index])
      expected \(result(expected))
      actual   \(result(actual))
      """
  }
}
