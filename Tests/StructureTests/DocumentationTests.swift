import Foundation
import Testing

/// The articles of `ManaClient` show code that is compiled and run.
@Suite struct DocumentationTests {
  static let folder = "Clients/Swift/ManaClient/ManaClient.docc"
  static let snippets = "Tests/ManaTestLedgerTests/SnippetTests.swift"

  static func lines(of path: String) throws -> [Substring] {
    try String(contentsOf: ImportTests.root.appending(path: path), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// A line without its indentation, and with one space where the formatter has set two.
  static func words(of line: Substring) -> String { line.split(separator: " ").joined(separator: " ") }

  static func articles() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: ImportTests.root.appending(path: folder).path())
      .filter { $0.hasSuffix(".md") }.sorted()
  }

  /// The Swift code of an article, without its indentation and its imports: the file of the snippets has its own.
  static func blocks(of article: String) throws -> [[String]] {
    var blocks: [[String]] = []
    var isInside = false
    for line in try lines(of: "\(folder)/\(article)") {
      if line.hasPrefix("```") {
        isInside = line == "```swift"
        if isInside { blocks.append([]) }
      } else if isInside, !line.hasPrefix("import ") {
        blocks[blocks.count - 1].append(words(of: line))
      }
    }
    return blocks.map { $0.filter { !$0.isEmpty } }
  }

  @Test(arguments: try articles())
  func codeIsThatOfTheSnippets(article: String) throws {
    // The address and the end of a closure stand where they can: a test has an address and expectations of its own.
    let compiled = try Self.lines(of: Self.snippets).map(Self.words)
      .filter { !$0.isEmpty && !$0.hasPrefix("#expect") }
    for block in try Self.blocks(of: article) {
      let wanted = block.filter { !$0.contains("127.0.0.1") && !$0.hasPrefix("#expect") }
      let isThere = compiled.indices.contains { compiled[$0...].starts(with: wanted) }
      #expect(isThere, "\(Self.snippets) does not have this code of \(article):\n\(block.joined(separator: "\n"))")
    }
  }

  @Test("There is code to be compared")
  func articlesHaveCode() throws {
    let articles = try Self.articles()
    #expect(articles.contains("ManaClient.md") && articles.contains("GettingStarted.md"))
    #expect(try articles.flatMap(Self.blocks).count >= articles.count)
  }
}
