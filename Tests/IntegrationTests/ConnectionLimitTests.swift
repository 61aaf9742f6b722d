import Foundation
import ManaClient
import ManaProtocol
import Testing

/// How many connections there may be, how fast a caller may ask, and how long it may say nothing.
@Suite struct ConnectionLimitTests {
  typealias Rig = CredentialTests.Rig

  /// The status of the `goAway` that comes instead of, or behind, the welcome.
  static func farewell(_ connection: RawConnection) throws -> (status: Status?, header: FrameHeader) {
    let frame = try connection.receiveFrame()
    #expect(frame.header.opcode == Opcode.goAway.rawValue)
    #expect(connection.receiveToEnd().isEmpty)
    return (Status(rawValue: frame.header.status), frame.header)
  }

  /// Shakes hands where that ends in a refusal.
  static func refusal(_ port: UInt16, token: String? = nil) throws -> (status: Status?, header: FrameHeader) {
    let connection = try RawConnection(port: port)
    let hello = Hello(instance: 1, clientName: "test", token: token)
    try connection.send(FrameHeader.preface + frame(.hello, correlation: 0, body: hello.encoded))
    #expect(try connection.receive(8) == FrameHeader.preface)
    return try farewell(connection)
  }

  static func metrics(_ server: ServerProcess) throws -> [String: Double] {
    return try MetricsTests.samples(
      try MetricsTests.get("/metrics", at: server.metricsAddress, accept: "application/openmetrics-text").body)
  }

  static func ended(_ status: Status, _ server: ServerProcess) throws -> Double {
    try metrics(server).filter { $0.key.hasPrefix("mana_connections_ended_total{status=\"\(status.name)\"") }
      .reduce(0) { $0 + $1.value }
  }

  @Test(arguments: [1, 3]) func connectionsHaveALimitInAll(shards: Int) async throws {
    let data = try TemporaryDirectory()
    let audit = data.url.appending(path: "audit").path()
    let server = try ServerProcess(
      data: data, shards: shards,
      arguments: ["--connections-max", "4", "--metrics", "127.0.0.1:0", "--audit-log", audit])
    var callers = try (0..<4).map { _ in try Caller(server, account: 1) }
    let refused = try Self.refusal(server.port)
    #expect(refused.status == .tooManyConnections)
    #expect(refused.header.flags == [.notExecuted, .retryable] && refused.header.microseconds > 0)
    #expect(try callers[0].credit(5, id: 1).status == .ok)
    callers.removeLast()
    try await eventually { (try? Caller(server, account: 1)) != nil }
    #expect(try Self.ended(.tooManyConnections, server) >= 1)
    #expect(server.terminate() == 0)
    let entries = try AuditTests.lines(audit).filter { $0["event"] as? String == "connectionRefused" }
    #expect(entries.contains { $0["outcome"] as? String == "tooManyConnections" })
  }

  /// By name, over all shards and whichever token is used; the others are let in.
  @Test(arguments: [1, 3]) func connectionsOfANameHaveALimit(shards: Int) async throws {
    let rig = try Rig()
    let (old, new) = (try await rig.token("shop", ["spend"]), try await rig.token("shop", ["spend"]))
    let other = try await rig.token("reports", ["read"])
    let audit = CallerLimitTests.audit(rig)
    let server = try ServerProcess(
      data: rig.data, shards: shards,
      arguments: ["--connections-per-identity-max", "3", "--metrics", "127.0.0.1:0", "--audit-log", audit])
    var callers = [
      try Caller(server, account: 1, token: old), try Caller(server, account: 1, token: new),
      try Caller(server, account: 1, token: old),
    ]
    let refused = try Self.refusal(server.port, token: new)
    #expect(refused.status == .tooManyConnectionsOfCaller && refused.header.flags.contains(.retryable))
    _ = try Caller(server, account: 1, token: other)
    callers.removeFirst()
    try await eventually { (try? Caller(server, account: 1, token: new)) != nil }
    // Credentials that are read anew count nobody twice.
    kill(server.processIdentifier, SIGHUP)
    try await eventually { try AuditTests.lines(audit).contains { $0["event"] as? String == "reload" } }
    try await eventually { (try? Caller(server, account: 1, token: old)) != nil }
    #expect(try Self.ended(.tooManyConnectionsOfCaller, server) >= 1)
    #expect(server.terminate() == 0)
    let entries = try AuditTests.lines(audit).filter { $0["outcome"] as? String == "tooManyConnectionsOfCaller" }
    #expect(!entries.isEmpty)
  }

  /// Without credentials a caller is known by its address.
  @Test func connectionsOfAnAddressHaveALimit() throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, arguments: ["--connections-per-identity-max", "2"])
    let callers = try (0..<2).map { _ in try Caller(server, account: 1) }
    #expect(try Self.refusal(server.port).status == .tooManyConnectionsOfCaller)
    #expect(callers.count == 2)
    #expect(server.terminate() == 0)
  }

  /// A caller's rate holds over all its connections; what is beyond is refused with the time to wait, and a client that
  /// waits gets all of it through.
  @Test(arguments: [1, 3]) func aRateIsKept(shards: Int) async throws {
    let rig = try Rig()
    let shop = try await rig.token("shop", ["spend", "credit", "read"])
    let other = try await rig.token("other", ["spend", "credit", "read"])
    let server = try ServerProcess(
      data: rig.data, shards: shards,
      arguments: ["--rate-per-identity-max", "200", "--metrics", "127.0.0.1:0"])
    var first = try Caller(server, account: 1, token: shop)
    var second = try Caller(server, account: 2, token: shop)
    // Larger than a second's worth, over all shards: taken whole, and paid for by everybody of that name.
    let items = (1...240).map { CallerLimitTests.bonus(UInt128($0), UInt128($0 % 9 + 1), 1) }
    #expect(try first.post(items).allSatisfy { $0.status == .ok })
    let reply = try second.call(.post, batchBody([CallerLimitTests.bonus(1_000, 2, 1)]))
    #expect(reply.header.status == Status.rateExceeded.rawValue)
    #expect(reply.header.flags == [.notExecuted, .retryable])
    #expect((1...250_000).contains(reply.header.microseconds))
    #expect(try second.call(.ping, []).header.status == 0)
    var account = [UInt8](repeating: 0, count: 16)
    account[0] = 2
    #expect(try second.call(.getAccount, account).header.status == Status.rateExceeded.rawValue)
    var third = try Caller(server, account: 3, token: other)
    #expect(try third.credit(5, id: 2_000).status == .ok)

    // The Swift client comes back when it was told to.
    let refusal = try await CredentialTests.refusal(server, shop) {
      for id in 3_000..<3_020 as Range<UInt128> { _ = try await $0.purchase(4, 1, id: TransactionID(id)) }
    }
    #expect(refusal == nil)
    let refusals = try Self.metrics(server).filter {
      $0.key.hasPrefix("mana_requests_refused_total{status=\"rateExceeded\"")
    }
    #expect(refusals.reduce(0) { $0 + $1.value } >= 2)
    #expect(server.terminate() == 0)
  }

  @Test func anIdleConnectionIsEnded() async throws {
    let data = try TemporaryDirectory()
    let audit = data.url.appending(path: "audit").path()
    let server = try ServerProcess(
      data: data, arguments: ["--idle-seconds", "3", "--metrics", "127.0.0.1:0", "--audit-log", audit])
    var busy = try Caller(server, account: 1)
    let idle = try Caller(server, account: 1)
    let dribbling = try Caller(server, account: 1)
    // Bytes that never become a request keep nobody connected.
    let ping = frame(.ping, correlation: 1, body: [1, 2, 3, 4, 5, 6, 7, 8])
    for byte in ping.prefix(35) {
      // It may have ended by then.
      try? dribbling.connection.send([byte])
      #expect(try busy.call(.ping, []).header.status == 0)
      // A task's sleep takes as long as the other tests let it.
      usleep(100_000)
    }
    for caller in [idle, dribbling] {
      let farewell = try Self.farewell(caller.connection)
      #expect(farewell.status == .idleTimeout)
      #expect(farewell.header.flags.contains(.retryable))
    }
    #expect(try busy.credit(5, id: 1).status == .ok)
    #expect(try Self.ended(.idleTimeout, server) == 2)
    #expect(server.terminate() == 0)
    // Nobody was refused anything.
    #expect(!(try AuditTests.lines(audit).contains { $0["event"] as? String == "connectionRefused" }))
  }

  /// The Swift client goes on over a connection that ended in a pause between its calls.
  @Test func aClientOutlivesAnIdleConnection() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, arguments: ["--idle-seconds", "1"])
    let refusal = try await CredentialTests.refusal(server, nil) {
      _ = try await $0.purchase(1, 5)
      try await Task.sleep(for: .seconds(3))
      _ = try await $0.spend(1, 1, for: .export)
    }
    #expect(refusal == nil)
    #expect(server.terminate() == 0)
  }
}
