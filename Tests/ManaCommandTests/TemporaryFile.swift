import Foundation
import ManaClient
import ManaProtocol

@testable import mana

/// A file with a content, for the length of a test.
final class TemporaryFile {
  let path: String

  init(_ bytes: some Sequence<UInt8>) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("mana-\(UUID()).txt").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  convenience init(_ text: String) throws { try self.init(Array(text.utf8)) }

  deinit {
    // A temporary directory is the system's to clean where this fails.
    try? FileManager.default.removeItem(atPath: path)
  }

  func content() throws(PostFileError) -> PostFileContent { try PostFile(opening: path).validate() }

  /// Every line as text: line, account, type, operation, amount, quantity, reference, note, id, related.
  func lines() throws(PostFileError) -> [String] {
    let file = try PostFile(opening: path)
    let content = try file.validate()
    var reader = try file.lines(of: content)
    var lines: [String] = []
    while let line = try reader.next() { lines.append(Self.text(line)) }
    return lines
  }

  private static func text(_ line: PostLine) -> String {
    let facts: [String] = [
      String(line.line), AccountID(line.account).description, line.type.name, line.operation.name,
      Mana(micromana: Int64(line.amount)).description, String(line.quantity),
      String(decoding: line.reference, as: UTF8.self), String(decoding: line.note, as: UTF8.self),
      line.id.map { TransactionID($0).description } ?? "-", line.related == 0 ? "-" : String(line.related),
    ]
    return facts.joined(separator: "|")
  }
}
