import ManaClient
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Runs `body` with a client on an event loop of its own, of which the scripted ledger knows nothing.
private func withClient(
  _ answer: @escaping Ledger.Answer, _ body: @escaping @Sendable (ManaClient, any EventLoop) async throws -> Void
) async throws {
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let result: Result<Void, any Error>
  do {
    try await ScriptedServer.with { _ in
      Ledger(answer)
    } _: { server in
      var configuration = ManaClient.Configuration()
      configuration.connectionCount = 1
      configuration.retry.attemptsMax = 1
      configuration.batching = .init(pipelineDepth: 1, linger: .seconds(3_600))
      try await withManaClient(address: server.address, configuration: configuration, eventLoopGroup: group) { client in
        try await body(client, group.any())
      }
    }
    result = .success(())
  } catch {
    result = .failure(error)
  }
  try await group.shutdownGracefully()
  try result.get()
}

@Suite("Tasks on the client's executor") struct ExecutorTests {
  @Test("They stay on the thread that does the client's input and output")
  func stays() async throws {
    try await withClient(Ledger.obliging) { client, eventLoop in
      try await withTaskExecutorPreference(client.executor) {
        for id in 1...20 as ClosedRange<UInt128> {
          #expect(eventLoop.inEventLoop)
          let receipt = try await client.spend(42, 1, for: .export, id: TransactionID(id))
          #expect(receipt.id.number == id)
        }
        #expect(eventLoop.inEventLoop)
      }
    }
  }

  @Test(
    "What they call in the same turn travels together, but for the first of very many, which the others do not hold up",
    arguments: [(50, [50]), (128, [128]), (300, [128, 172])])
  func sharesRequests(tasks: Int, together: [Int]) async throws {
    let requests = Mutex<[[UInt128]]>([])
    try await withClient { request in
      if request.opcode.isPosting {
        let ids = try request.items.map(\.id)
        requests.withLock { $0.append(ids) }
      }
      return try Ledger.obliging(request)
    } _: { client, _ in
      // Connected first: what waits for a connection travels together anyway.
      try await client.ping()
      try await withTaskExecutorPreference(client.executor) {
        try await withThrowingTaskGroup { group in
          for id in 1...UInt128(tasks) {
            group.addTask { try await client.spend(42, 1, for: .export, id: TransactionID(id)) }
          }
          try await group.waitForAll()
        }
      }
    }
    #expect(requests.withLock { $0.map(\.count) } == together)
    #expect(requests.withLock { $0.joined().sorted() } == Array(1...UInt128(tasks)))
  }

  @Test("Very many can be cancelled in one turn, and the client goes on")
  func cancellationOfMany() async throws {
    try await withClient { request in
      // No spend is ever answered.
      request.opcode.isPosting ? [] : try Ledger.obliging(request)
    } _: { client, _ in
      try await client.ping()
      try await withTaskExecutorPreference(client.executor) {
        let codes = try await withThrowingTaskGroup(of: ManaError.Code?.self) { group in
          for id in 1...300 as ClosedRange<UInt128> {
            group.addTask {
              do {
                try await client.spend(42, 1, for: .export, id: TransactionID(id))
                return nil
              } catch {
                return (error as? ManaError)?.code
              }
            }
          }
          // Behind them on the loop: by then the spends are with the client.
          try await client.ping()
          group.cancelAll()
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == Array(repeating: .cancelled, count: 300))
        try await client.ping()
      }
    }
  }

  @Test("They can be cancelled, and the client goes on")
  func cancellation() async throws {
    try await withClient { request in
      // The spend is never answered.
      request.opcode.isPosting ? [] : try Ledger.obliging(request)
    } _: { client, eventLoop in
      try await client.ping()
      try await withTaskExecutorPreference(client.executor) {
        let call = Task(executorPreference: client.executor) {
          try await client.spend(42, 1, for: .export, id: 7)
        }
        // Behind it on the loop: by then the spend has been sent.
        try await client.ping()
        call.cancel()
        let error = await #expect(throws: ManaError.self) { try await call.value }
        #expect(error?.code == .cancelled && error?.execution == .unknown && error?.transactionID == 7)
        try await client.ping()
        #expect(eventLoop.inEventLoop)
      }
    }
  }
}
