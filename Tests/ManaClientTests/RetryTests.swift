import ManaProtocol
import Synchronization
import Testing

@testable import ManaClient

/// A ledger that answers its first posting requests as `first` says, in turn, and obliges from then on.
private final class Moody: Sendable {
  typealias Answer = @Sendable (Request) throws -> [Step]

  private let first: [Answer]
  private let state = Mutex<[[UInt128]]>([])

  init(_ first: [Answer]) { self.first = first }

  /// The ids of each posting request.
  var posted: [[UInt128]] { state.withLock { $0 } }

  @Sendable func answer(_ request: Request) throws -> [Step] {
    guard request.opcode.isPosting else { return try Ledger.obliging(request) }
    let ids = try request.items.map(\.id)
    let number = state.withLock { posted in
      posted.append(ids)
      return posted.count - 1
    }
    return number < first.count ? try first[number](request) : try Ledger.obliging(request)
  }

  static let closes: Answer = { _ in [.close] }

  /// Refuses the request as a whole.
  static func refuses(
    _ status: Status, flags: FrameHeader.Flags = .notExecuted, microseconds: UInt32 = 0
  ) -> Answer {
    { request in
      [.send(Frames.refusal(of: request.opcode, request.correlation, status, flags: flags, microseconds: microseconds))]
    }
  }

  /// Refuses each of its transactions.
  static func refusesItems(_ status: Status) -> Answer {
    { request in
      let results = try request.items.map { _ in
        ItemResult(status: status, sequence: 0, amount: 0, balance: 3, timestamp: 0, refundable: 0)
      }
      return [.send(Frames.reply(to: request.opcode, request.correlation, body: Frames.results(results)))]
    }
  }

  /// Runs `body` with a client of this ledger.
  func serve(
    _ change: (inout ManaClient.Configuration) -> Void = { _ in },
    _ body: (ManaClient) async throws -> Void
  ) async throws {
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.deadline = .seconds(600)
    configuration.backoff = .init(initial: .milliseconds(1), max: .milliseconds(10))
    configuration.retry.backoff = .init(initial: .milliseconds(1), max: .milliseconds(10))
    change(&configuration)
    try await ScriptedServer.with { _ in
      Ledger(self.answer)
    } _: { server in
      try await withManaClient(address: server.address, configuration: configuration, body)
    }
  }
}

private func spendError(_ client: ManaClient, coalescing: Bool = true) async -> ManaError? {
  await failure { () throws(ManaError) in
    try await client.spend(42, 1, for: .export, id: 9, coalescing: coalescing)
  }
}

@Suite("Calls are repeated, with the same ids, where that is safe") struct RetryTests {
  @Test("What may succeed later is repeated", arguments: [true, false])
  func repeated(coalescing: Bool) async throws {
    let ledger = Moody([Moody.closes, Moody.refuses(.overloaded), Moody.closes, Moody.refuses(.shuttingDown)])
    try await ledger.serve { client in
      let receipt = try await client.spend(42, 1, for: .export, id: 9, coalescing: coalescing)
      #expect(receipt.id == 9)
      #expect(ledger.posted == [[9], [9], [9], [9], [9]])
    }
  }

  @Test("A call that could not be executed in a request that others shared is repeated")
  func repeatedItem() async throws {
    let ledger = Moody([Moody.refusesItems(.overloaded), Moody.refusesItems(.diskFull)])
    try await ledger.serve { client in
      try await client.spend(42, 1, for: .export, id: 9)
      #expect(ledger.posted == [[9], [9], [9]])
    }
  }

  @Test("A batch is repeated as it was")
  func repeatedBatch() async throws {
    let ledger = Moody([Moody.closes, Moody.refuses(.overloaded)])
    try await ledger.serve { client in
      var batch = Batch()
      for id in 1...3 as ClosedRange<UInt128> { try batch.spend(42, 1, for: .export, id: TransactionID(id)) }
      let results = try await client.post(batch)
      #expect(results.postedCount == 3)
      #expect(ledger.posted == [[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    }
  }

  @Test(
    "What would fail again, or was answered, is not repeated",
    arguments: [
      Status.malformedBody, .batchTooLarge, .roleMissing, .deadlineExceeded, .insufficientBalance, .idConflict,
    ])
  func notRepeated(status: Status) async throws {
    let ledger = Moody([status.rawValue < 256 ? Moody.refusesItems(status) : Moody.refuses(status)])
    try await ledger.serve { client in
      let error = await spendError(client)
      #expect(error?.status == status && error?.execution == .notExecuted)
      #expect(ledger.posted == [[9]])
    }
  }

  @Test("There are as many attempts as the configuration says", arguments: [1, 2, 4])
  func attempts(most: Int) async throws {
    let ledger = Moody(Array(repeating: Moody.closes, count: 10))
    try await ledger.serve {
      $0.retry.attemptsMax = most
    } _: { client in
      let error = await spendError(client)
      #expect(error?.code == .connectionLost && error?.execution == .unknown && error?.transactionID == 9)
      #expect(ledger.posted.count == most)
    }
  }

  @Test("The server's pause is kept")
  func retryAfter() async throws {
    let ledger = Moody([Moody.refuses(.overloaded, microseconds: 200_000)])
    try await ledger.serve { client in
      let took = try await ContinuousClock().measure { try await client.spend(42, 1, for: .export) }
      #expect(took >= .milliseconds(200))
    }
  }

  @Test("A pause that would pass the deadline ends the call with what is known")
  func pauseBeyondDeadline() async throws {
    let ledger = Moody([Moody.refuses(.overloaded, microseconds: 3_000_000_000)])
    try await ledger.serve { client in
      let error = await spendError(client)
      #expect(error?.status == .overloaded && error?.execution == .notExecuted)
      #expect(error?.retryAfter == .seconds(3_000))
      #expect(ledger.posted == [[9]])
    }
  }

  @Test("All calls together repeat no more than their budget allows")
  func budget() async throws {
    let ledger = Moody(Array(repeating: Moody.refuses(.overloaded), count: 100))
    try await ledger.serve {
      $0.retry.tokensMax = 6
      $0.retry.tokensPerAnswer = 0
    } _: { client in
      for _ in 0..<5 {
        let error = await spendError(client)
        #expect(error?.status == .overloaded)
      }
      #expect(ledger.posted.count == 5 + 6)
    }
  }

  @Test(
    "After an attempt without an answer, what follows leaves the call unknown unless it is final",
    arguments: [
      (Moody.refuses(.overloaded, microseconds: 3_000_000_000), .unknown),
      (Moody.refuses(.malformedBody), .unknown),
      (Moody.refusesItems(.insufficientBalance), .unknown),
      (Moody.refusesItems(.voided), .notExecuted), (Moody.refusesItems(.amountTooLarge), .notExecuted),
    ] as [(Moody.Answer, ManaError.Execution)])
  fileprivate func afterUnknown(answer: @escaping Moody.Answer, execution: ManaError.Execution) async throws {
    for coalescing in [true, false] {
      let ledger = Moody([Moody.closes, answer])
      try await ledger.serve { client in
        let error = await spendError(client, coalescing: coalescing)
        #expect(error?.execution == execution && error?.status != nil && error?.transactionID == 9)
        #expect(ledger.posted.count == 2)
      }
    }
  }

  @Test(
    "A call that is cancelled in a pause ends, with what is known",
    arguments: [
      (Moody.refuses(.overloaded, microseconds: 3_000_000_000), .notExecuted),
      (Moody.refuses(.overloaded, flags: [], microseconds: 3_000_000_000), .unknown),
    ] as [(Moody.Answer, ManaError.Execution)])
  fileprivate func cancelled(answer: @escaping Moody.Answer, execution: ManaError.Execution) async throws {
    let ledger = Moody([answer])
    try await ledger.serve {
      $0.deadline = .seconds(7_200)
      $0.retry.tokensMax = 1
    } _: { client in
      let call = Task { await spendError(client) }
      // The pause begins once it is paid for.
      while client.retryBudget.tokens > 0 { await Task.yield() }
      call.cancel()
      let error = await call.value
      #expect(error?.code == .cancelled && error?.execution == execution && error?.transactionID == 9)
      #expect(ledger.posted == [[9]])
    }
  }

  @Test("Answers fill the budget, up to its size")
  func bucket() {
    let budget = RetryBudget(.init(tokensMax: 2, tokensPerAnswer: 0.25))
    #expect(budget.withdraw() && budget.withdraw() && !budget.withdraw())
    for _ in 0..<3 { budget.deposit() }
    #expect(!budget.withdraw())
    budget.deposit()
    #expect(budget.withdraw() && !budget.withdraw())
    for _ in 0..<100 { budget.deposit() }
    #expect(budget.tokens == 2)
  }
}
