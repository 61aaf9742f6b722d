import Configuration
import ManaClient
import ManaProtocol
import MetricsTestKit
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@Suite("Graceful shutdown, metrics and configuration of a client") struct EcosystemTests {
  @Test("A graceful shutdown waits for what is on its way and refuses what comes later", arguments: [false, true])
  func gracefulShutdown(byServiceGroup: Bool) async throws {
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    try await ScriptedServer.with { _ in
      Ledger { _ in
        arrival.yield()
        return []
      }
    } _: { server in
      await testGracefulShutdown { trigger in
        let client = ManaClient(address: server.address)
        let service: any Service = client
        let running = Task { try await service.run() }
        // Never answered: were it not waited for, it would fail as shut down instead of by its deadline.
        let call = Task {
          await failure { () throws(ManaError) in try await client.spend(42, 1, for: .export, deadline: .seconds(2)) }
        }
        for await _ in arrivals { break }
        if byServiceGroup { trigger.triggerGracefulShutdown() } else { client.beginGracefulShutdown() }
        let late = await failure { () throws(ManaError) in try await client.ping() }
        #expect(late?.code == .shutDown && late?.execution == .notExecuted)
        let error = await call.value
        #expect(error?.code == .deadlineExceeded && error?.execution == .unknown)
        let end = await running.result
        #expect(throws: Never.self) { try end.get() }
      }
    }
  }

  @Test("A graceful shutdown without anything on its way ends at once, also before the first connection")
  func idleShutdown() async throws {
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      let client = ManaClient(address: server.address)
      let running = Task { await client.run() }
      _ = try await client.ping()
      client.beginGracefulShutdown()
      await running.value
    }
    let unconnected = ManaClient(address: .hostPort(host: "127.0.0.1", port: 1))
    let running = Task { await unconnected.run() }
    unconnected.beginGracefulShutdown()
    await running.value
  }

  @Test("Calls, connections and the size of requests are measured under the documented names")
  func metrics() async throws {
    let metrics = TestMetrics()
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.metricsFactory = metrics
    try await ScriptedServer.with { _ in
      Ledger(Ledger.obliging)
    } _: { server in
      try await withManaClient(address: server.address, configuration: configuration) { client in
        for _ in 1...3 { _ = try await client.ping() }
        let gauge = try metrics.expectGauge("mana.client.connections")
        #expect(gauge.lastValue == 1)
      }
    }
    let timer = try metrics.expectTimer("mana.client.call.duration", [("call", "ping"), ("outcome", "ok")])
    #expect(timer.values.count == 3 && timer.values.allSatisfy { $0 > 0 })
    let failed = try metrics.expectTimer("mana.client.call.duration", [("call", "ping"), ("outcome", "failed")])
    #expect(failed.values.isEmpty)
    #expect(try metrics.expectCounter("mana.client.reconnections").totalValue == 0)
    #expect(try metrics.expectCounter("mana.client.retries", [("call", "ping")]).totalValue == 0)
    #expect(try metrics.expectGauge("mana.client.connections").lastValue == 0)
  }

  @Test("A refused transaction and further attempts are measured as such", arguments: [true, false])
  func metricsOfRefusals(coalescing: Bool) async throws {
    let metrics = TestMetrics()
    var configuration = ManaClient.Configuration()
    configuration.connectionCount = 1
    configuration.metricsFactory = metrics
    configuration.retry.backoff = .init(initial: .milliseconds(1), max: .milliseconds(1))
    let attempts = Counter()
    try await ScriptedServer.with { _ in
      Ledger { request in
        if attempts.next() < 2 {
          return [.send(Frames.refusal(of: request.opcode, request.correlation, .overloaded, flags: .notExecuted))]
        }
        let refused = ItemResult(
          status: .insufficientBalance, sequence: 0, amount: 0, balance: 3, timestamp: 0, refundable: 0)
        return [.send(Frames.reply(to: request.opcode, request.correlation, body: Frames.results([refused])))]
      }
    } _: { server in
      await withManaClient(address: server.address, configuration: configuration) { client in
        let error = await failure { () throws(ManaError) in
          try await client.spend(42, 1, for: .export, coalescing: coalescing)
        }
        #expect(error?.status == .insufficientBalance)
      }
    }
    #expect(try metrics.expectCounter("mana.client.retries", [("call", "spend")]).totalValue == 2)
    func count(_ outcome: String) throws -> Int {
      try metrics.expectTimer("mana.client.call.duration", [("call", "spend"), ("outcome", outcome)]).values.count
    }
    #expect(try [count("ok"), count("refused"), count("failed")] == [0, 1, 0])
  }

  @Test("Every key of a configuration is read")
  func configuration() throws {
    let reader = ConfigReader(
      provider: InMemoryProvider(values: [
        "address": "ledger.example.com:7420", "connectionCount": 3, "deadlineMilliseconds": 1_500,
        "connectTimeoutMilliseconds": 250, "backoff.initialMilliseconds": 10, "backoff.maxMilliseconds": 20,
        "ledger": "5", "clientName": "checkout", "waitingCallsMax": 7, "waitingBytesMax": 67_108_865,
        "batching.pipelineDepth": 5, "batching.itemsMax": 50, "batching.bytesMax": 5_000,
        "batching.lingerMilliseconds": 0,
        "retry.attemptsMax": 7, "retry.backoff.initialMilliseconds": 3, "retry.backoff.maxMilliseconds": 30,
        "retry.tokensMax": 0, "retry.tokensPerAnswer": 0.25, "tls.authorityFile": "authority.pem",
        "tls.certificateFile": "client.pem", "tls.keyFile": "client.key", "tls.serverName": "ledger",
        "token": "a secret",
      ]))
    let client = try ManaClient(configReader: reader)
    #expect(client.address == .hostPort(host: "ledger.example.com", port: 7_420))
    let configuration = client.configuration
    #expect(configuration.connectionCount == 3)
    #expect(configuration.deadline == .milliseconds(1_500) && configuration.connectTimeout == .milliseconds(250))
    #expect(configuration.backoff == .init(initial: .milliseconds(10), max: .milliseconds(20)))
    #expect(configuration.ledger == LedgerID("5") && configuration.clientName == "checkout")
    #expect(configuration.waitingCallsMax == 7 && configuration.waitingBytesMax == 67_108_865)
    #expect(
      configuration.batching == .init(pipelineDepth: 5, itemsMax: 50, bytesMax: 5_000, linger: .zero))
    #expect(
      configuration.retry
        == .init(
          attemptsMax: 7, backoff: .init(initial: .milliseconds(3), max: .milliseconds(30)), tokensMax: 0,
          tokensPerAnswer: 0.25))
    #expect(
      configuration.tls
        == .init(
          trustRoots: .file("authority.pem"), certificate: "client.pem", key: "client.key", serverName: "ledger"))
    #expect(configuration.credential == .token("a secret"))
  }

  @Test(
    "TLS is on when it is said so, or when something is said of it",
    arguments: [
      ([:], nil), (["tls.enabled": true], .init()), (["tls.enabled": false], nil),
      (["tls.authorityFile": "a.pem"], .init(trustRoots: .file("a.pem"))),
      (["tls.serverName": "ledger"], .init(serverName: "ledger")),
      (["tls.enabled": false, "tls.authorityFile": "a.pem", "tls.serverName": "ledger"], nil),
      (["tls.certificateFile": "c.pem", "tls.keyFile": "c.key"], .init(certificate: "c.pem", key: "c.key")),
    ] as [([AbsoluteConfigKey: ConfigValue], ManaClient.Configuration.TLS?)])
  func tls(values: [AbsoluteConfigKey: ConfigValue], expected: ManaClient.Configuration.TLS?) throws {
    let reader = ConfigReader(provider: InMemoryProvider(values: values))
    #expect(try ManaClient.Configuration(configReader: reader).tls == expected)
  }

  @Test("Without keys a configuration has the defaults")
  func defaultConfiguration() throws {
    let (read, defaults) = (
      try ManaClient.Configuration(configReader: ConfigReader(provider: InMemoryProvider(values: [:]))),
      ManaClient.Configuration()
    )
    #expect(read.connectionCount == defaults.connectionCount && read.deadline == defaults.deadline)
    #expect(read.backoff == defaults.backoff && read.clientName == defaults.clientName && read.ledger == nil)
    #expect(read.batching == defaults.batching && read.retry == defaults.retry)
    #expect(read.credential == nil && read.tls == nil)
  }

  @Test(
    "A value that cannot be meant is refused by the name of its key",
    arguments: [
      ("address", "nowhere"), ("connectionCount", 0), ("connectionCount", 65), ("deadlineMilliseconds", 0),
      ("connectTimeoutMilliseconds", -1), ("backoff.maxMilliseconds", 1), ("ledger", "five"), ("waitingCallsMax", 0),
      ("waitingBytesMax", 1), ("batching.pipelineDepth", 0), ("batching.itemsMax", 0), ("batching.bytesMax", 0),
      ("retry.attemptsMax", 0), ("retry.backoff.initialMilliseconds", 0), ("retry.backoff.maxMilliseconds", 1),
      ("retry.tokensMax", -1), ("retry.tokensMax", 1_000_001), ("retry.tokensPerAnswer", 1.5),
      ("retry.tokensPerAnswer", -0.1), ("retry.tokensPerAnswer", "half"), ("retry.attemptsMax", "five"),
      ("tls.enabled", "perhaps"), ("tls.enabled", 1), ("tls.authorityFile", 5), ("tls.serverName", true),
      ("batching.lingerMilliseconds", -1), ("token", ""), ("tokenFile", "/nowhere/token"),
      // Of another type than the key's.
      ("address", 7_420), ("connectionCount", "three"), ("connectionCount", 1.5), ("connectionCount", true),
      ("deadlineMilliseconds", .init(.intArray([1]), isSecret: false)), ("ledger", 5), ("clientName", false),
      ("clientName", .init(.stringArray(["a", "b"]), isSecret: false)), ("batching.itemsMax", "many"), ("token", 5),
    ] as [(AbsoluteConfigKey, ConfigValue)])
  func badConfiguration(key: AbsoluteConfigKey, value: ConfigValue) throws {
    let values: [AbsoluteConfigKey: ConfigValue] = ["address": "localhost:7420"]
    let reader = ConfigReader(provider: InMemoryProvider(values: values.merging([key: value]) { $1 }))
    let error = #expect(throws: ManaError.self) { try ManaClient(configReader: reader) }
    #expect(error?.code == .invalidArgument)
    #expect(
      error?.message.contains(key == "tokenFile" ? "token file" : "\(key)") == true, "\(String(describing: error))")
  }

  @Test("A certificate without its key is refused by the name of what is missing", arguments: [true, false])
  func halfOfACertificate(hasKey: Bool) throws {
    let values: [AbsoluteConfigKey: ConfigValue] = [hasKey ? "tls.keyFile" : "tls.certificateFile": "file.pem"]
    let error = #expect(throws: ManaError.self) {
      try ManaClient.Configuration(configReader: ConfigReader(provider: InMemoryProvider(values: values)))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains(hasKey ? "tls.certificateFile" : "tls.keyFile") == true)
  }

  @Test("A number is read from a text, as an environment variable is one, and a text that is none is refused")
  func environment() throws {
    func read(_ text: String) throws -> ManaClient.Configuration {
      let provider = EnvironmentVariablesProvider(environmentVariables: ["MANA_CONNECTION_COUNT": text])
      return try ManaClient.Configuration(configReader: ConfigReader(provider: provider).scoped(to: "mana"))
    }
    #expect(try read("3").connectionCount == 3)
    #expect(throws: ManaError.self) { try read("three") }
  }
}
