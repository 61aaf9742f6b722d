import ManaLedger
import ManaProtocol
import ManaServer
import ManaTesting

/// How a server's life ends, and how the world's does.
extension Simulation {
  func crash() {
    let isOrderly = server?.isServing == false
    let isPowerCut = !isOrderly && (disk.isOff || random.chance(1, in: 2))
    trace(isOrderly ? "the server has ended" : isPowerCut ? "the power fails" : "the process is killed")
    outcome.crashes += isOrderly ? 0 : 1
    server = nil
    for link in links {
      // A kernel that goes on sends what it has taken; one without power does not.
      if isPowerCut || random.chance(1, in: 2) { link.cut() }
      link.toClient.end()
      link.isServerGone = true
    }
    for link in machine.backlog { link.cut() }
    machine.backlog = []
    machine.isListening = false
    machine.failingAccepts = 0
    disk.plans = []
    disk.isFull = false
    if isPowerCut {
      disk.losePower()
      count(.powerCut)
    } else {
      disk.restart()
      disk.powerFailsAfter = nil
      if !isOrderly { count(.processKill) }
    }
    // Some time passes, in which clients find out.
    for _ in 0..<Int.random(in: 0..<30, using: &random) {
      step += 1
      machine.clock += UInt64.random(in: 0..<5_000_000, using: &random)
      if random.chance(1, in: 2) { deliverSome() } else { actSomeClient() }
    }
  }

  /// No more faults: everything that was asked is answered, everything that is due happens, and the checker looks at
  /// all of it.
  func finish() throws {
    isCalm = true
    try start(isLast: true)
    try proceed(for: "what was asked to be answered") { clients.allSatisfy(\.isIdle) }
    try resolveDoubts()
    // Whatever is due by now is refunded; nothing else falls due while the histories are read.
    machine.wallStoppedAt = machine.wallClock
    for _ in 0..<400 {
      machine.clock += 10_000_000
      try act()
    }
    let endTime = machine.wallClock
    let histories = try readHistories()
    let record = LedgerRecord(requests: traffic.requests, histories: histories, endTime: endTime)
    do {
      try record.check(timeoutID: TimeoutID.next(after:))
    } catch {
      throw Failure(message: "\(error)")
    }
    for account in histories.keys.sorted() {
      outcome.transactions += histories[account]!.count
      for transaction in histories[account]! {
        for byte in transaction.encoded { mix(UInt64(byte)) }
      }
    }
    outcome.steps = step
    outcome.counts.add(disk.counts)
    outcome.counts.add(machine.counts)
    for client in clients {
      outcome.counts.add(client.counts)
      mix(client.digest)
    }
    server = nil
  }

  /// Asks once more for what may have been executed by a copy whose caller had hung up and had been told something else.
  private func resolveDoubts() throws {
    try proceed(for: "connections that nobody holds to end") {
      links.allSatisfy { $0.isCut || $0.isServerGone || !$0.isClientGone }
    }
    try proceed(for: "blocks to be read back") {
      guard let server else { return false }
      return (0..<server.shardCount).allSatisfy { !server.hasWorkForReader($0) }
    }
    for _ in 0..<200 { try act() }
    for request in traffic.requests where request.isDoubtful { clients[0].askAgain(request) }
    try proceed(for: "what was doubtful to be answered") { clients.allSatisfy(\.isIdle) }
  }

  /// Lets the world go on until something is so. Throws when that takes for ever.
  private func proceed(for what: String, until isDone: () -> Bool) throws {
    let limit = step + 60_000
    while !isDone() {
      try act()
      guard isAlive else { throw Failure(message: "without a fault the server has ended") }
      guard step < limit else { throw Failure(message: "waiting for \(what) takes for ever") }
    }
  }

  /// Every account's whole history, page by page.
  private func readHistories() throws -> [UInt128: [ReferenceTransaction]] {
    var histories: [UInt128: [ReferenceTransaction]] = [:]
    let accounts = traffic.accounts
    for account in accounts {
      var transactions: [ReferenceTransaction] = []
      var start: UInt64 = 0
      while true {
        var query = HistoryQuery(account: account, limit: Limits.pageMax)
        query.oldestFirst = true
        query.start = start
        let answer = try ask(.list(HistoryQuestion(query: query)))
        if answer.status == .accountUnknown { break }
        guard answer.status == .ok, let page = ReadAnswer.page(in: answer.body) else {
          throw Failure(message: "the history of \(account) cannot be read: \(answer.status.name)")
        }
        transactions += page.transactions
        if !page.more { break }
        start = page.next
      }
      if !transactions.isEmpty { histories[account] = transactions }
      _ = try ask(.overview(account))
    }
    return histories
  }

  private func ask(_ content: SimulatedRequest.Content) throws -> SimulatedRequest.Answer {
    let request = traffic.add(content)
    clients[0].take(request)
    try proceed(for: "a read at the end") { !request.answers.isEmpty }
    return request.answers[0]
  }
}
