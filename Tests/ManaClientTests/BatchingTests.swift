import ManaClient
import ManaProtocol
import Synchronization
import Testing

/// What a scripted ledger has been asked to post. It holds a request back for as long as `holds` says so, until a ping
/// asks for everything that is held.
private final class Desk: Sendable {
  private struct State {
    var requests: [Request] = []
    var held: [Request] = []
  }

  private let state = Mutex(State())
  private let holds: @Sendable (_ items: [Item]) -> Bool
  private let arrival: AsyncStream<Void>.Continuation
  /// Ticks at each posting request.
  let arrivals: AsyncStream<Void>

  init(holds: @escaping @Sendable (_ items: [Item]) -> Bool) {
    self.holds = holds
    (arrivals, arrival) = AsyncStream.makeStream()
  }

  /// Holds back requests with the transaction 1.
  convenience init() { self.init { $0.contains { $0.id == 1 } } }

  /// The ids of each posting request.
  var posted: [[UInt128]] {
    get throws { try state.withLock { try $0.requests.map { try $0.items.map(\.id) } } }
  }

  var opcodes: [Opcode] { state.withLock { $0.requests.map(\.opcode) } }

  @Sendable func answer(_ request: Request) throws -> [Step] {
    guard request.opcode.isPosting else {
      let held = state.withLock { state in
        defer { state.held = [] }
        return state.held
      }
      return try held.map { try $0.posted } + [request.empty]
    }
    let isHeld = holds(try request.items)
    state.withLock { state in
      state.requests.append(request)
      if isHeld { state.held.append(request) }
    }
    arrival.yield()
    return isHeld ? [] : [try request.posted]
  }
}

/// Calls that have to gather while one is in flight, unless something else than time sends them.
private func patient(itemsMax: Int = 1_024, linger: Duration = .seconds(3_600)) -> ManaClient.Configuration {
  var configuration = ManaClient.Configuration()
  configuration.connectionCount = 1
  configuration.deadline = .seconds(600)
  configuration.retry.attemptsMax = 1
  configuration.batching = .init(pipelineDepth: 1, itemsMax: itemsMax, linger: linger)
  return configuration
}

private func spend(_ client: ManaClient, _ id: UInt128, coalescing: Bool = true) async throws(ManaError) -> Receipt {
  try await client.spend(42, Mana(micromana: Int64(id)), for: .export, id: TransactionID(id), coalescing: coalescing)
}

/// Runs `body` while the call with the id 1 is in flight and held back, and gives that call's task.
private func whileOneIsHeld(
  _ desk: Desk, _ configuration: ManaClient.Configuration,
  _ body: (ManaClient, Task<Receipt, any Error>) async throws -> Void
) async throws {
  try await ScriptedServer.with { _ in
    Ledger(desk.answer)
  } _: { server in
    try await withManaClient(address: server.address, configuration: configuration) { client in
      let first = Task { try await spend(client, 1) }
      for await _ in desk.arrivals { break }
      try await body(client, first)
    }
  }
}

@Suite("Concurrent single calls share requests") struct BatchingTests {
  @Test("A call alone is sent at once, as what it is")
  func alone() async throws {
    let desk = Desk { _ in false }
    try await ScriptedServer.with { _ in
      Ledger(desk.answer)
    } _: { server in
      try await withManaClient(address: server.address, configuration: patient()) { client in
        for id in 1...3 as ClosedRange<UInt128> {
          let receipt = try await spend(client, id)
          #expect(receipt.amount.micromana == Int64(id))
        }
        let posted = try desk.posted
        #expect(posted == [[1], [2], [3]] && desk.opcodes == [.spend, .spend, .spend])
      }
    }
  }

  @Test("As many as fit a request go together, each with its own result")
  func full() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient(itemsMax: 50)) { client, first in
      try await withThrowingTaskGroup { group in
        for id in 2...101 as ClosedRange<UInt128> {
          group.addTask {
            let receipt = try await spend(client, id)
            #expect(receipt.id.number == id && receipt.amount.micromana == Int64(id))
          }
        }
        try await group.waitForAll()
      }
      let posted = try desk.posted
      #expect(posted.map(\.count) == [1, 50, 50] && desk.opcodes == [.spend, .post, .post])
      #expect(Set(posted.joined()) == Set(1...101))
      try await client.ping()
      #expect(try await first.value.id == 1)
    }
  }

  @Test("A reply sends what has gathered")
  func clocked() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient()) { client, first in
      let others = (2...9).map { id in Task { try await spend(client, UInt128(id)) } }
      try await client.ping()
      #expect(try await first.value.id == 1)
      for (index, other) in others.enumerated() { #expect(try await other.value.id.number == UInt128(index + 2)) }
    }
  }

  @Test("Lingering ends although nothing is answered")
  func linger() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient(linger: .milliseconds(1))) { client, first in
      #expect(try await spend(client, 2).id == 2)
      try await client.ping()
      #expect(try await first.value.id == 1)
    }
  }

  @Test("A call that shall not coalesce neither waits nor shares")
  func separate() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient()) { client, first in
      #expect(try await spend(client, 2, coalescing: false).id == 2)
      #expect(try desk.posted == [[1], [2]])
      try await client.ping()
      #expect(try await first.value.id == 1)
    }
  }

  @Test("A call that is cancelled while it gathers is taken out and not executed")
  func cancelledWhileGathering() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient()) { client, first in
      let second = Task { await failure { () throws(ManaError) in try await spend(client, 2) } }
      await Task.yield()
      second.cancel()
      let error = await second.value
      #expect(error?.code == .cancelled && error?.execution == .notExecuted && error?.transactionID == 2)
      try await client.ping()
      #expect(try await first.value.id == 1)
      #expect(try await spend(client, 3).id == 3)
      #expect(try desk.posted == [[1], [3]])
    }
  }

  @Test("A call that is cancelled once sent is unknown, and those it travelled with are not concerned")
  func cancelledOnceSent() async throws {
    let desk = Desk { $0.contains { $0.id <= 3 } }
    try await whileOneIsHeld(desk, patient(itemsMax: 2)) { client, first in
      let second = Task { await failure { () throws(ManaError) in try await spend(client, 2) } }
      let third = Task { try await spend(client, 3) }
      for await _ in desk.arrivals { break }
      #expect(try desk.posted.map(Set.init) == [[1], [2, 3]])
      second.cancel()
      let error = await second.value
      #expect(error?.code == .cancelled && error?.execution == .unknown && error?.transactionID == 2)
      try await client.ping()
      #expect(try await third.value.id == 3)
      #expect(try await first.value.id == 1)
    }
  }

  @Test("Calls of every type share a request")
  func mixed() async throws {
    let desk = Desk()
    try await whileOneIsHeld(desk, patient(itemsMax: 5)) { client, first in
      async let spent = client.spend(42, 1, for: .export, id: 2, reference: "job", note: "a note")
      async let refunded = client.refund(42, of: 7, amount: 1, id: 3, note: "another")
      async let purchased = client.purchase(43, 1, id: 4)
      async let given = client.bonus(44, 1, id: 5, note: "welcome")
      async let settled = client.settle(42, 8, as: .succeeded, id: 6)
      let ids = try await [spent, refunded, purchased, given, settled].map(\.id.number)
      #expect(ids == [2, 3, 4, 5, 6])
      #expect(try desk.posted.map(Set.init) == [[1], [2, 3, 4, 5, 6]])
      try await client.ping()
      #expect(try await first.value.id == 1)
    }
  }

  @Test("One refused call of a request is refused alone")
  func refusedAlone() async throws {
    try await answering { request in
      let results = try request.items.map { item in
        item.id == 2
          ? ItemResult(status: .insufficientBalance, balance: 500_000)
          : ItemResult(status: .ok, sequence: 1, amount: item.amount, balance: 7, timestamp: 1, refundable: 0)
      }
      return [.send(Frames.reply(to: request.opcode, request.correlation, body: Frames.results(results)))]
    } _: { second, third in
      #expect(second?.code == .refused && second?.status == .insufficientBalance && second?.transactionID == 2)
      #expect(third == nil)
    }
  }

  @Test("A request that is refused as a whole tells each call so, with its own id")
  func refusedTogether() async throws {
    try await answering { request in
      [
        .send(
          Frames.refusal(
            of: request.opcode, request.correlation, .overloaded, flags: .notExecuted, microseconds: 5_000))
      ]
    } _: { second, third in
      for (id, error) in [(2, second), (3, third)] as [(TransactionID, ManaError?)] {
        #expect(error?.status == .overloaded && error?.execution == .notExecuted && error?.transactionID == id)
        #expect(error?.retryAfter == .milliseconds(5))
      }
    }
  }

  @Test("A connection that is lost leaves each call of a request unknown, with its own id")
  func lost() async throws {
    try await answering { _ in
      [.close]
    } _: { second, third in
      for (id, error) in [(2, second), (3, third)] as [(TransactionID, ManaError?)] {
        #expect(error?.code == .connectionLost && error?.execution == .unknown && error?.transactionID == id)
      }
    }
  }

  @Test("A reply that does not fit its request leaves each call unknown")
  func malformed() async throws {
    try await answering { request in
      let results = Frames.results([ItemResult(status: .insufficientBalance)])
      return [.send(Frames.reply(to: request.opcode, request.correlation, body: results))]
    } _: { second, third in
      for (id, error) in [(2, second), (3, third)] as [(TransactionID, ManaError?)] {
        #expect(error?.code == .malformedReply && error?.execution == .unknown && error?.transactionID == id)
      }
    }
  }

  /// Sends the calls 2 and 3 in one request, answers it with `answer`, and shows what each throws.
  private func answering(
    _ answer: @escaping Ledger.Answer, _ body: (_ second: ManaError?, _ third: ManaError?) throws -> Void
  ) async throws {
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    try await ScriptedServer.with { _ in
      Ledger { request in
        if request.opcode == .post { return try answer(request) }
        arrival.yield()
        return []
      }
    } _: { server in
      try await withManaClient(address: server.address, configuration: patient(itemsMax: 2)) { client in
        let first = Task { await failure { () throws(ManaError) in try await spend(client, 1) } }
        for await _ in arrivals { break }
        async let second = failure { () throws(ManaError) in try await spend(client, 2) }
        async let third = failure { () throws(ManaError) in try await spend(client, 3) }
        try await body(second, third)
        first.cancel()
        _ = await first.value
      }
    }
  }
}
