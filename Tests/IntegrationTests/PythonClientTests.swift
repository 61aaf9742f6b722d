import Foundation
import ManaClient
import Testing

/// The reference client against the real server, and against what the Swift client and the command line see.
@Suite struct PythonClientTests {
  private static func python(_ arguments: [String], server: ServerProcess) async throws -> Programs.Outcome {
    try await Programs.run(
      URL(filePath: "/usr/bin/env"), ["python3"] + arguments,
      environment: [
        "MANA_TEST_SERVER": server.address, "MANA_SERVER": server.address, "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": Programs.root.appending(path: "Clients/Python").path(),
      ])
  }

  @Test(arguments: [1, 2]) func itsOwnTestsPassAgainstTheServer(shards: Int) async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: shards)
    let outcome = try await Self.python(
      ["-m", "unittest", "discover", "--start-directory", "Clients/Python/tests", "--pattern", "test_*server*.py"],
      server: server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.errors.contains("Ran 0 tests"), "\(outcome.errors)")
    #expect(!outcome.errors.contains("skipped"), "\(outcome.errors)")
  }

  @Test func seesTheSameAsTheCommandLine() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let account = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    let lines = [
      ["purchase", account, "500", "--reference", "pi_123", "--note", "$40 Creator Pack", "--id", "1"],
      ["spend", account, "10", "--operation", "combination", "--quantity", "1000", "--id", "2"],
      ["spend", account, "2.000001", "--operation", "variation", "--note", "größer ☂", "--id", "3"],
      ["refund", account, "--of", "3", "--note", "operation failed", "--id", "4"],
      ["bonus", account, "0.5", "--id", "5"],
    ]
    for line in lines {
      let outcome = try await Programs.mana(line, server: server)
      try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    }
    for question in [["history", account, "--json"], ["account", account, "--json"]] {
      let ours = try await object(Programs.mana(question, server: server).output)
      let theirs = try await object(
        Self.python(["-m", "mana_ledger", "--server", server.address] + question, server: server).output)
      for (key, value) in theirs {
        #expect(try canonical(ours[key] ?? "absent") == canonical(value), "\(question) \(key)")
      }
      #expect(theirs.count >= 2)
    }
  }
}

/// A JSON value with its keys in order, for comparison.
func canonical(_ value: Any) throws -> String {
  let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed]
  return String(decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self)
}
