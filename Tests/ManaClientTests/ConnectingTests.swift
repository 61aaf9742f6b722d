import ManaClient
import ManaProtocol
import NIOCore
import NIOPosix
import Testing

@Suite("Making connections") struct ConnectingTests {
  @Test("Forgetting run() is named within the deadline")
  func missingRun() async throws {
    let client = ManaClient(address: .hostPort(host: "127.0.0.1", port: 1))
    let error = await failure { () throws(ManaError) in
      try await client.spend(42, 1, for: .export, id: 9, deadline: .milliseconds(50))
    }
    #expect(error?.code == .runNotCalled && error?.execution == .notExecuted && error?.transactionID == 9)
    #expect(error?.message.contains("run()") == true)
  }

  @Test("Calls that were made before run() are answered once it runs")
  func earlyCall() async throws {
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      let client = ManaClient(address: server.address)
      async let early = client.ping()
      await Task.yield()
      let running = Task { await client.run() }
      _ = try await early
      running.cancel()
      await running.value
      let late = await failure { () throws(ManaError) in try await client.ping() }
      #expect(late?.code == .shutDown && late?.execution == .notExecuted)
    }
  }

  @Test("The end of run() fails what is on its way as unknown")
  func shutDown() async throws {
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    try await ScriptedServer.with { _ in
      Ledger { _ in
        arrival.yield()
        return []
      }
    } _: { server in
      let client = ManaClient(address: server.address)
      let running = Task { await client.run() }
      let call = Task { await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export) } }
      for await _ in arrivals { break }
      running.cancel()
      await running.value
      let error = await call.value
      #expect(error?.code == .shutDown && error?.execution == .unknown)
    }
  }

  @Test("An address where nobody listens: the error comes within the deadline, with the last attempt's")
  func unreachable() async throws {
    let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress!.port!
    try await channel.close()
    try await withManaClient(address: .hostPort(host: "127.0.0.1", port: port)) { client in
      let error = await failure { () throws(ManaError) in
        try await client.spend(42, 1, for: .export, id: 9, deadline: .seconds(2))
      }
      #expect(error?.code == .notConnected && error?.execution == .notExecuted && error?.transactionID == 9)
      #expect(error?.description.contains("refused") == true, "\(error?.description ?? "no error")")
    }
  }

  @Test("A host that does not exist: the error names the attempt")
  func unknownHost() async throws {
    try await withManaClient(address: .hostPort(host: "ledger.invalid", port: 7_420)) { client in
      let error = await failure { () throws(ManaError) in try await client.ping(deadline: .seconds(3)) }
      #expect(error?.code == .notConnected && error?.execution == .notExecuted)
      #expect(error?.description.contains("ledger.invalid:7420") == true, "\(error?.description ?? "no error")")
    }
  }

  @Test("A server that accepts and says nothing is named")
  func silent() async throws {
    var configuration = ManaClient.Configuration()
    configuration.connectTimeout = .seconds(1)
    try await ScriptedServer.with { _ in
      Stranger(bytes: [], closes: false)
    } _: { server in
      await withManaClient(address: server.address, configuration: configuration) { client in
        // On a busy machine it may be connecting that takes longer than its timeout, and then it is asked again.
        let isEarly = { (error: ManaError) in !error.description.contains("no welcome") }
        let error = await failure(unless: isEarly) { () throws(ManaError) in
          try await client.ping(deadline: .seconds(3))
        }
        #expect(error?.code == .notConnected && error?.execution == .notExecuted)
        #expect(error?.description.contains("no welcome") == true, "\(error?.description ?? "no error")")
      }
    }
  }

  @Test(
    "A server of another kind fails calls at once, and is named",
    arguments: [
      ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", ManaError.Code.notManaServer, "an HTTP server"),
      ("\u{15}\u{03}\u{01}\u{00}\u{02}\u{02}\u{46}", .notManaServer, "a TLS server"),
      ("garbage", .notManaServer, "first bytes 67 61 72 62 61 67 65"),
      ("MANA\r\n\u{1A}\u{02}", .handshakeFailed, "major version 2"),
    ])
  func strangers(bytes: String, code: ManaError.Code, named: String) async throws {
    try await ScriptedServer.with { _ in
      Stranger(bytes: Array(bytes.utf8))
    } _: { server in
      await withManaClient(address: server.address) { client in
        let error = await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export, id: 9) }
        #expect(error?.code == code && error?.execution == .notExecuted && error?.transactionID == 9)
        #expect(error?.message.contains(named) == true, "\(error?.description ?? "no error")")
      }
    }
  }

  @Test(
    "A goAway instead of a welcome is what calls fail with",
    arguments: [Status.wrongLedger, .unsupportedVersion, .criticalExtensionUnknown])
  func refusedHandshake(status: Status) async throws {
    let bytes = FrameHeader.preface + Frames.goAway(status, "because")
    try await ScriptedServer.with { _ in
      Stranger(bytes: bytes)
    } _: { server in
      await withManaClient(address: server.address) { client in
        let error = await failure { () throws(ManaError) in try await client.ping() }
        #expect(error?.code == .handshakeFailed && error?.status == status && error?.execution == .notExecuted)
        #expect(error?.message.contains("because") == true)
      }
    }
  }

  @Test("A server that is full for a while is tried again")
  func tooManyConnections() async throws {
    let full = FrameHeader.preface + Frames.goAway(.tooManyConnections, microseconds: 1_000)
    try await ScriptedServer.with { connection in
      connection < 4 ? Stranger(bytes: full) as any Script : Ledger(Ledger.obliging)
    } _: { server in
      try await withManaClient(address: server.address) { client in
        try await client.ping()
        #expect(server.connectionCount > 4)
      }
    }
  }

  @Test("Another ledger than the expected one is refused, whatever the server thinks of it")
  func wrongLedger() async throws {
    var configuration = ManaClient.Configuration()
    configuration.ledger = 8
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      await withManaClient(address: server.address, configuration: configuration) { client in
        let error = await failure { () throws(ManaError) in try await client.ping() }
        #expect(error?.code == .handshakeFailed && error?.status == .wrongLedger)
      }
    }
  }

  @Test("Calls beyond what may wait fail at once")
  func queueFull() async throws {
    var configuration = ManaClient.Configuration()
    configuration.waitingCallsMax = 3
    let client = ManaClient(address: .hostPort(host: "127.0.0.1", port: 1), configuration: configuration)
    let codes = await withTaskGroup(of: ManaError.Code?.self) { group in
      for _ in 0..<5 {
        group.addTask {
          await failure { () throws(ManaError) in try await client.ping(deadline: .milliseconds(500)) }?.code
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(codes.count { $0 == .queueFull } == 2 && codes.count { $0 == .runNotCalled } == 3)
  }
}
