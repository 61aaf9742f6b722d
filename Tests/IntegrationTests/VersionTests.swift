import Foundation
import Testing

@Suite("One version for everything") struct VersionTests {
  /// The version that the source says.
  static func released() throws -> String {
    let source = try String(
      contentsOf: Programs.root.appending(path: "Sources/ManaText/ReleaseVersion.swift"), encoding: .utf8)
    return try #require(source.firstMatch(of: #/releaseVersion = "([0-9]+\.[0-9]+\.[0-9]+)"/#)).1.description
  }

  @Test(arguments: ["mana", "mana-server", "mana-load", "mana-bench", "mana-client-bench", "mana-simulate"])
  func program(name: String) async throws {
    let outcome = try await Programs.run(Programs.folder.appending(path: name), ["--version"])
    #expect(outcome.output == "\(name) \(try Self.released())\n" && outcome.status == 0)
  }

  @Test(arguments: [
    ("Clients/Python/mana_ledger/__init__.py", "__version__ = "), ("Clients/Python/pyproject.toml", "version = "),
  ])
  func pythonClient(file: String, key: String) throws {
    let lines = try String(contentsOf: Programs.root.appending(path: file), encoding: .utf8).split(separator: "\n")
    #expect(lines.contains("\(key)\"\(try Self.released())\""))
  }
}
