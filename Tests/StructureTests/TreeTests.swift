import Foundation
import Testing

/// What the owner wants to see at the top of the repository, and nothing else.
@Suite struct TreeTests {
  @Test func topLevelHoldsOnlyWhatBelongsThere() throws {
    let wanted: Set<String> = [
      "Package.swift", "Sources", "Tests", "Protocol", "Clients", "README.md", "Makefile", "LICENSE",
    ]
    // What building and running leave behind, and git ignores.
    let ignored: Set<String> = ["Package.resolved", "mana-data"]
    let found = try FileManager.default.contentsOfDirectory(atPath: ImportTests.root.path())
      .filter { !$0.hasPrefix(".") && !ignored.contains($0) }
    #expect(Set(found) == wanted)
  }

  /// Longer sources are split by facet: `Type+Facet.swift`.
  @Test func sourceFilesAreShort() throws {
    for folder in ["Sources", "Clients"] {
      for file in try ImportTests.swiftFiles(below: folder) {
        let lines = try String(contentsOf: file, encoding: .utf8).split(
          separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 400, "\(file.lastPathComponent) has \(lines.count) lines")
      }
    }
  }
}
