import ManaClient
import ManaProtocol
import Synchronization
import Testing

/// A configuration with one connection, for tests that count them, and one attempt, for tests of its error.
private var single: ManaClient.Configuration {
  var configuration = ManaClient.Configuration()
  configuration.connectionCount = 1
  configuration.retry.attemptsMax = 1
  return configuration
}

/// The error that `body` throws.
func failure<Value>(_ body: () async throws(ManaError) -> Value) async -> ManaError? {
  do throws(ManaError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}

/// The error that `body` throws, tried up to ten times while `isEarly` says that it came too early to be what is tested.
func failure<Value>(
  unless isEarly: (ManaError) -> Bool, _ body: () async throws(ManaError) -> Value
) async -> ManaError? {
  var error: ManaError?
  for _ in 0..<10 {
    error = await failure(body)
    guard let error, isEarly(error) else { break }
  }
  return error
}

/// What a script and a test share.
private final class Shared<Value: Sendable>: Sendable {
  private let stored: Mutex<Value>
  init(_ value: Value) { stored = Mutex(value) }
  var value: Value { stored.withLock { $0 } }
  func with<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try stored.withLock { value in try body(&value) }
  }
}

@Suite("A client and a server on loopback") struct LoopbackTests {
  @Test("Calls are answered, and the server is known")
  func calls() async throws {
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      try await withManaClient(address: server.address) { client in
        let receipt = try await client.spend(42, Mana("1.5")!, for: .imageGeneration, id: 9)
        #expect(receipt.id == 9 && receipt.sequence == 1 && receipt.amount == Mana("1.5")! && receipt.balanceAfter == 7)
        try await client.ping()
        #expect(client.serverInformation?.name == "scripted/1" && client.serverInformation?.ledger == 7)
      }
    }
  }

  @Test("Many concurrent calls each get their own answer")
  func concurrent() async throws {
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      try await withManaClient(address: server.address) { client in
        try await withThrowingTaskGroup { group in
          for number in 1...2_000 {
            group.addTask {
              let amount = Mana(micromana: Int64(number))
              let receipt = try await client.spend(42, amount, for: .export, id: TransactionID(UInt128(number)))
              #expect(receipt.amount == amount && receipt.id.number == UInt128(number))
            }
          }
          try await group.waitForAll()
        }
        #expect(server.connectionCount == client.configuration.connectionCount)
      }
    }
  }

  @Test("A refused transaction throws why")
  func refused() async throws {
    try await ScriptedServer.with { _ in
      Ledger { request in
        let results = Frames.results([ItemResult(status: .insufficientBalance, balance: 500_000)])
        return [.send(Frames.reply(to: request.opcode, request.correlation, body: results))]
      }
    } _: { server in
      await withManaClient(address: server.address) { client in
        let error = await failure { () throws(ManaError) in try await client.spend(42, 10, for: .export, id: 9) }
        #expect(error?.code == .refused && error?.status == .insufficientBalance && error?.transactionID == 9)
        #expect(error?.execution == .notExecuted && error?.refusal?.balance == Mana("0.5")!)
        #expect(error?.message.contains("the balance of account 42 is 0.5 Mana, the spend takes 10.0") == true)
      }
    }
  }

  @Test("A call that expires is unknown; its late reply is dropped and the connection lives on")
  func deadline() async throws {
    let held = Shared<Request?>(nil)
    try await ScriptedServer.with { _ in
      Ledger { request in
        if request.opcode == .spend {
          held.with { $0 = request }
          return []
        }
        // The late reply comes first, so that the ping's own reply shows that it was dropped.
        return try [held.value?.posted, request.empty].compactMap { $0 }
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: single) { client in
        try await client.ping()
        // On a busy machine the deadline may pass before the call is written, and then it is asked again.
        let error = await failure(unless: { $0.execution == .notExecuted }) { () throws(ManaError) in
          try await client.spend(42, 1, for: .export, id: 9, deadline: .seconds(1))
        }
        #expect(error?.code == .deadlineExceeded && error?.execution == .unknown && error?.transactionID == 9)
        let sent = try #require(held.value)
        #expect((1...1_000_000).contains(sent.microseconds), "the server is told how long it has")
        try await client.ping()
        #expect(server.connectionCount == 1)
      }
    }
  }

  @Test("Cancelling one call leaves the connection and the others alone")
  func cancellation() async throws {
    let held = Shared<Request?>(nil)
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    try await ScriptedServer.with { _ in
      Ledger { request in
        if request.opcode == .spend {
          held.with { $0 = request }
          arrival.yield()
          return []
        }
        return [try held.value!.posted, request.empty]
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: single) { client in
        let call = Task { await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export, id: 9) } }
        for await _ in arrivals { break }
        call.cancel()
        let error = await call.value
        #expect(error?.code == .cancelled && error?.execution == .unknown && error?.transactionID == 9)
        try await client.ping()
        #expect(server.connectionCount == 1)
      }
    }
  }

  @Test("A call that is cancelled before it is sent is not executed")
  func cancelledEarly() async throws {
    let client = ManaClient(address: .hostPort(host: "127.0.0.1", port: 1))
    let call = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await failure { () throws(ManaError) in try await client.bonus(42, 1) }
    }
    let error = await call.value
    #expect(error?.code == .cancelled && error?.execution == .notExecuted)

    let waiting = Task { await failure { () throws(ManaError) in try await client.bonus(42, 1) } }
    await Task.yield()
    waiting.cancel()
    let other = await waiting.value
    #expect(other?.code == .cancelled && other?.execution == .notExecuted)
  }

  @Test("A cut connection makes the call unknown; the same call goes through on the next connection")
  func reconnect() async throws {
    try await ScriptedServer.with { connection in
      Ledger { request in connection == 0 ? [.close] : try Ledger.obliging(request) }
    } _: { server in
      try await withManaClient(address: server.address, configuration: single) { client in
        #expect(client.reconnections == 0)
        let error = await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export, id: 9) }
        #expect(error?.code == .connectionLost && error?.execution == .unknown && error?.transactionID == 9)
        #expect(error?.isRetryable == true && error?.cause != nil)
        let receipt = try await client.spend(42, 1, for: .export, id: 9)
        #expect(receipt.id == 9 && server.connectionCount == 2 && client.reconnections == 1)
      }
    }
  }

  @Test("A connection that is cut within a reply makes the call unknown")
  func cutWithinReply() async throws {
    try await ScriptedServer.with { connection in
      Ledger { request in
        guard connection == 0, case .send(let reply) = try request.posted else { return try Ledger.obliging(request) }
        return [.send(Array(reply.dropLast(8))), .close]
      }
    } _: { server in
      await withManaClient(address: server.address, configuration: single) { client in
        let error = await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export) }
        #expect(error?.code == .connectionLost && error?.execution == .unknown)
        #expect(error?.description.contains("middle of a reply") == true)
      }
    }
  }

  @Test("A server that shuts down answers what it has; new calls go to the next connection")
  func goAway() async throws {
    try await ScriptedServer.with { connection in
      Ledger { request in
        (connection == 0 ? [.send(Frames.goAway(.shuttingDown))] : []) + (try Ledger.obliging(request))
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: single) { client in
        for _ in 0..<3 { try await client.spend(42, 1, for: .export) }
        #expect(server.connectionCount == 2)
      }
    }
  }

  @Test("The server's limits are met by waiting")
  func inFlightLimit() async throws {
    let unanswered = Shared<(held: [Request], most: Int)>(([], 0))
    try await ScriptedServer.with { _ in
      Ledger(welcome: Frames.welcome(requestsInFlightMax: 2)) { request in
        unanswered.with { state in
          state.held.append(request)
          state.most = max(state.most, state.held.count)
          // Nothing is answered before as many are there as are allowed.
          guard state.held.count == 2 else { return [] }
          defer { state.held = [] }
          return state.held.reversed().map(\.empty)
        }
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: single) { client in
        try await withThrowingTaskGroup { group in
          for _ in 0..<100 { group.addTask { try await client.ping() } }
          try await group.waitForAll()
        }
        #expect(unanswered.value.most == 2)
      }
    }
  }

  @Test("A call that finds no room within its deadline is not executed")
  func noRoom() async throws {
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    try await ScriptedServer.with { _ in
      Ledger(welcome: Frames.welcome(requestsInFlightMax: 1)) { _ in
        arrival.yield()
        return []
      }
    } _: { server in
      await withManaClient(address: server.address, configuration: single) { client in
        let first = Task { await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export) } }
        for await _ in arrivals { break }
        let second = await failure { () throws(ManaError) in try await client.ping(deadline: .milliseconds(100)) }
        #expect(second?.code == .deadlineExceeded && second?.execution == .notExecuted)
        #expect(second?.message.contains("as many in flight as it allows") == true)
        first.cancel()
        #expect(await first.value?.code == .cancelled)
      }
    }
  }

  @Test("A batch beyond the server's limits is split, in order; an atomic one is refused")
  func split() async throws {
    let requests = Shared<[[UInt128]]>([])
    try await ScriptedServer.with { _ in
      Ledger(welcome: Frames.welcome(itemsMax: 3)) { request in
        if request.opcode == .post { try requests.with { try $0.append(request.items.map(\.id)) } }
        return try Ledger.obliging(request)
      }
    } _: { server in
      try await withManaClient(address: server.address) { client in
        var batch = Batch()
        for number in 1...8 { try batch.spend(42, 1, for: .combination, id: TransactionID(UInt128(number)), note: "x") }
        let results = try await client.post(batch)
        #expect(requests.value == [[1, 2, 3], [4, 5, 6], [7, 8]])
        #expect(results.count == 8 && results.postedCount == 8 && results.refusedCount == 0)
        #expect(try results.map { try $0.get().id.number } == Array(1...8))
        let error = await failure { () throws(ManaError) in try await client.post(batch, atomic: true) }
        #expect(error?.code == .invalidArgument && error?.execution == .notExecuted)
        #expect(error?.message.contains("at most 3 transactions") == true)
        // A batch is not used up by being posted.
        _ = try await client.post(batch)
        #expect(requests.value.count == 6)
        let empty = await failure { () throws(ManaError) in try await client.post(Batch()) }
        #expect(empty?.code == .invalidArgument)
      }
    }
  }

  @Test("A batch of half a megabyte goes and comes back")
  func largeBatch() async throws {
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      try await withManaClient(address: server.address) { client in
        var batch = Batch(capacity: 8_190)
        for number in 1...8_190 { try batch.spend(42, 1, for: .combination, id: TransactionID(UInt128(number))) }
        let results = try await client.post(batch)
        #expect(results.postedCount == 8_190)
        #expect(try results.last?.get().id.number == 8_190)
      }
    }
  }
}
