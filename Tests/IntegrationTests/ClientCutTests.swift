import ManaClient
import ManaProtocol
import Testing

/// What the client library says of a call whose connection is cut at each byte, against what the server did.
@Suite struct ClientCutTests {
  private static let account: AccountID = 31

  /// Lengths of what passes over a connection that makes one call, in bytes.
  private struct Lengths {
    var greeting: Int
    var request: Int
    var welcome: Int
    var reply: Int
  }

  static func configuration(retries: Bool) -> ManaClient.Configuration {
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.deadline = .seconds(60)
    configuration.backoff = .init(initial: .milliseconds(1), max: .milliseconds(20))
    configuration.retry.backoff = configuration.backoff
    if !retries { configuration.retry.attemptsMax = 1 }
    return configuration
  }

  /// Makes one call over a connection that is cut.
  private static func spend(
    _ id: TransactionID, server: Int, _ cut: CuttingProxy.Cut, retries: Bool
  ) async throws -> (outcome: Result<Receipt, ManaError>, passed: CuttingProxy.Passed) {
    try await CuttingProxy.with(server: server, cut) { proxy in
      let address = try #require(ManaAddress("127.0.0.1:\(proxy.port)"))
      return await withManaClient(address: address, configuration: configuration(retries: retries)) { client in
        do throws(ManaError) {
          return (.success(try await client.spend(account, 1, for: .export, id: id)), proxy.passed)
        } catch {
          return (.failure(error), proxy.passed)
        }
      }
    }
  }

  /// Watches a call that is not cut.
  private static func lengths(_ server: Int) async throws -> Lengths {
    let passed = try await spend(1, server: server, .never, retries: false).passed
    let preface = FrameHeader.preface.count
    func first(_ bytes: [UInt8]) throws -> Int {
      try bytes.withUnsafeBytes { preface + (try FrameHeader(reading: $0.baseAddress! + preface)).length }
    }
    let (greeting, welcome) = (try first(passed.ofClient), try first(passed.ofServer))
    return Lengths(
      greeting: greeting, request: passed.ofClient.count - greeting, welcome: welcome,
      reply: passed.ofServer.count - welcome)
  }

  /// Runs `body` for each cut, several at a time, with a transaction id of its own.
  static func each(
    _ cuts: [CuttingProxy.Cut],
    _ body: @escaping @Sendable (TransactionID, CuttingProxy.Cut) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, cut) in cuts.enumerated() {
        if index >= 8 { try await group.next() }
        group.addTask { try await body(TransactionID(UInt128(index + 100)), cut) }
      }
      try await group.waitForAll()
    }
  }

  private static func withLedger(
    _ body: (_ server: Int, ManaClient, Lengths) async throws -> Void
  ) async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    try await withManaClient(address: try #require(ManaAddress(server.address))) { client in
      try await client.purchase(account, 1_000_000)
      try await body(Int(server.port), client, try await lengths(Int(server.port)))
    }
    #expect(server.isRunning)
  }

  @Test func executionIsTheServersTruth() async throws {
    try await Self.withLedger { server, client, lengths in
      let cuts =
        (0...lengths.greeting + lengths.request).map { CuttingProxy.Cut.afterRequest(bytes: $0) }
        + (0...lengths.welcome + lengths.reply).map { CuttingProxy.Cut.afterReply(bytes: $0) }
      try await Self.each(cuts) { id, cut in
        let outcome = try await Self.spend(id, server: server, cut, retries: false).outcome
        let wasPosted = try await Self.wasPosted(id, client)
        switch (outcome, cut) {
        case (.success, .afterRequest(let bytes)):
          // A call that waits for a connection does not notice that the first one came to nothing.
          #expect(bytes <= lengths.greeting && wasPosted, "\(cut)")
        case (.success, .afterReply(let bytes)):
          #expect((bytes <= lengths.welcome || bytes == lengths.welcome + lengths.reply) && wasPosted, "\(cut)")
        case (.failure(let error), .afterRequest(let bytes)):
          #expect(error.code == .connectionLost && error.execution == .unknown && error.transactionID == id, "\(cut)")
          #expect(bytes > lengths.greeting, "\(cut)")
          if bytes < lengths.greeting + lengths.request { #expect(!wasPosted, "\(cut)") }
        case (.failure(let error), .afterReply(let bytes)):
          #expect(error.code == .connectionLost && error.execution == .unknown && error.transactionID == id, "\(cut)")
          #expect(bytes >= lengths.welcome, "\(cut)")
          if bytes > lengths.welcome { #expect(wasPosted, "\(cut)") }
        case (_, .never): Issue.record("every call meets a cut")
        }
      }
    }
  }

  @Test func withRetriesEachCallIsPostedOnce() async throws {
    try await Self.withLedger { server, client, lengths in
      let cuts =
        (lengths.greeting...lengths.greeting + lengths.request).map { CuttingProxy.Cut.afterRequest(bytes: $0) }
        + (lengths.welcome...lengths.welcome + lengths.reply).map { CuttingProxy.Cut.afterReply(bytes: $0) }
      try await Self.each(cuts) { id, cut in
        let receipt = try await Self.spend(id, server: server, cut, retries: true).outcome.get()
        let transaction = try await client.transaction(id: id, of: Self.account)
        #expect(receipt.id == id && transaction.sequence == receipt.sequence, "\(cut)")
      }
      // The purchase, the call that was watched, and one for each cut.
      let account = try await client.account(Self.account)
      #expect(account.transactionCount == cuts.count + 2)
      #expect(account.balance.micromana == Int64(1_000_000 - cuts.count - 1) * 1_000_000)
    }
  }

  private static func wasPosted(_ id: TransactionID, _ client: ManaClient) async throws -> Bool {
    do throws(ManaError) {
      _ = try await client.transaction(id: id, of: account)
      return true
    } catch {
      guard error.status == .transactionUnknown else { throw error }
      return false
    }
  }
}
