import Foundation
import Testing

/// The load tester beside callers that are in nobody's way.
@Suite struct LoadTesterTests {
  static func run(_ server: ServerProcess, slow: Int) async throws -> Programs.Outcome {
    try await Programs.run(
      Programs.folder.appending(path: "mana-load"),
      [
        "--server", server.address, "--scenario", "single-calls", "--in-flight", "8", "--duration", "1", "--warmup",
        "0", "--accounts", "10", "--slow-connections", "\(slow)", "--json",
      ])
  }

  /// They are let in, each of them sends something, and the measured calls go through.
  @Test func slowConnectionsAreOpenWhileCallsAreMeasured() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2, arguments: ["--connections-max", "60"])
    let outcome = try await Self.run(server, slow: 50)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let result = try object(outcome.output.trimmingCharacters(in: .newlines))
    #expect((result["accepted"] as? Int ?? 0) > 0)
    #expect((result["command"] as? String)?.contains("--slow-connections 50") == true)
    // They were really there: a server for fewer turns them away, by name.
    let refused = try await Self.run(server, slow: 70)
    #expect(refused.status == 69 && refused.errors.contains("tooManyConnections"), "\(refused.errors)")
    #expect(server.terminate() == 0)
  }

  /// Slow ones that the server ends are no load, and the run says so.
  @Test func slowConnectionsThatEndSpoilTheRun() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, arguments: ["--idle-seconds", "1"])
    let outcome = try await Programs.run(
      Programs.folder.appending(path: "mana-load"),
      [
        "--server", server.address, "--scenario", "single-calls", "--in-flight", "8", "--duration", "6", "--warmup",
        "0", "--accounts", "10", "--slow-connections", "20", "--json",
      ])
    #expect(outcome.status == 69 && outcome.errors.contains("of 20 slow connections"), "\(outcome.errors)")
    #expect(server.terminate() == 0)
  }
}
