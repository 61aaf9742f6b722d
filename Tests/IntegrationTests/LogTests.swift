import Foundation
import Glibc
import Testing

/// What the real server writes on standard error, in both formats.
@Suite struct LogTests {
  /// The events of a log in JSON, each line an object with the keys that all have.
  static func events(_ log: String) throws -> [[String: Any]] {
    try log.split(separator: "\n").map { line in
      let event = try object(String(line))
      for key in ["time", "level", "event"] { try #require(event[key] is String, "\(line)") }
      return event
    }
  }

  static func named(_ name: String, in events: [[String: Any]]) throws -> [String: Any] {
    let found = events.filter { $0["event"] as? String == name }
    try #require(found.count == 1, "\(name): \(found.count)")
    return found[0]
  }

  private static func makeLedger(_ data: TemporaryDirectory) async throws {
    let server = try ServerProcess(data: data, shards: 2)
    for account in 1...3 {
      let outcome = try await Programs.mana(["purchase", "\(account)", "100"], server: server)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(server.terminate() == 0)
  }

  @Test func aStartSaysInJSONWhatWasRecoveredAndWhereItListens() async throws {
    let data = try TemporaryDirectory()
    try await Self.makeLedger(data)
    let server = try ServerProcess(data: data, arguments: ["--log-format", "json"])
    #expect(server.terminate() == 0)
    let events = try Self.events(try server.log)
    let recovered = try Self.named("recovered", in: events)
    #expect(recovered["transactions"] as? Int == 3 && recovered["accounts"] as? Int == 3, "\(recovered)")
    #expect(recovered["milliseconds"] is Int && recovered["transactionsPerSecond"] is Int, "\(recovered)")
    let listening = try Self.named("listening", in: events)
    #expect(listening["address"] as? String == server.address)
    #expect(listening["tls"] as? Bool == false && listening["shards"] as? Int == 2, "\(listening)")
    #expect(listening["letsIn"] as? String == "everybody")
    #expect(try Self.named("draining", in: events)["level"] as? String == "info")
    let order = events.compactMap { $0["event"] as? String }
    #expect(Array(order.prefix(3)) == ["starting", "recovered", "listening"], "\(order)")
    #expect(order.count { $0 == "stopped" } == 2)
  }

  @Test func aStartSaysTheSameInText() async throws {
    let data = try TemporaryDirectory()
    try await Self.makeLedger(data)
    let server = try ServerProcess(data: data)
    #expect(server.terminate() == 0)
    let log = try server.log
    let stamp = #"(?m)^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info "#
    for line in [
      "starting: dataDirectory=",
      #"recovered: accounts=3 blocks=\d+ executed=\d+ milliseconds=\d+ transactions=3 transactionsPerSecond=\d+"#,
      "listening: address=\(server.address) inherited=false letsIn=everybody shards=2 tls=false", "draining: ",
    ] {
      #expect(try log.contains(Regex(stamp + line)), "\(line) in \(log)")
    }
  }

  @Test func whatCannotServeSaysWhyInTheFormatThatWasAskedFor() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data)
    let error = #expect(throws: ServerProcess.DidNotStart.self) {
      try ServerProcess(data: data, arguments: ["--log-format", "json"])
    }
    let last = try #require(try Self.events(error?.errors ?? "").last)
    #expect(last["level"] as? String == "critical" && error?.status == 69, "\(last)")
    #expect((last["error"] as? String)?.contains("in use by process") == true, "\(last)")
    #expect(server.terminate() == 0)
  }

  /// Whoever reaches the address can be refused as often as he likes; the log stays small, and says how often.
  @Test func aFloodOfRefusalsHasFewLines() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(
      data: data, shards: 2, arguments: ["--log-format", "json", "--log-lines-per-minute", "5"])
    let flood = 200
    for _ in 0..<flood {
      let caller = try RawConnection(port: server.port)
      try caller.send(Array("gibberish that is no preface at all, and no other protocol".utf8))
      #expect(!caller.receiveToEnd().isEmpty)
    }
    #expect(server.terminate() == 0)
    let events = try Self.events(try server.log)
    let refused = events.count { $0["event"] as? String == "connection refused" }
    let omitted = events.filter {
      $0["event"] as? String == "lines left out" && $0["of"] as? String == "connection refused"
    }
    .compactMap { $0["count"] as? Int }
    // More than one window when the machine is slow.
    #expect(refused >= 5 && refused <= 15 && omitted.count >= 1, "\(refused), \(omitted)")
    #expect(refused + omitted.reduce(0, +) == flood)
    #expect(try Self.named("draining", in: events)["level"] as? String == "info")
  }
}
