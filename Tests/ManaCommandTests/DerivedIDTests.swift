import ManaClient
import Testing

@testable import mana

@Suite("Ids that follow from a file's content and a line's number")
struct DerivedIDTests {
  static let content = "account,type,amount\n42,bonus,5\n"

  /// Values of `uuid.UUID(bytes=sha256(sha256(content).digest() + line.to_bytes(8, "big")).digest()[:16])` in Python.
  /// They must not change from version to version: a file posted by one must be replayed by the next.
  @Test(arguments: [
    ("", 1, "48f2b017-2585-b575-1329-6eb5a7d22391"),
    (content, 2, "72d54e7e-fdb5-a3db-eece-42d1ddcb306a"),
    (content, 3, "33810bba-9408-e31c-bed7-14a8726987c5"),
    (content, 4_294_967_303, "8eed9574-9ac3-f3f6-a697-e64df86e3f32"),
  ])
  func knownValues(content: String, line: Int, expected: String) {
    var hash = SHA256()
    Array(content.utf8).withUnsafeBytes { hash.update($0) }
    let id = IDDerivation(fileDigest: hash.finish()).id(ofLine: line)
    #expect(TransactionID(id).description == expected)
  }

  @Test func aFileGivesItsLinesTheIDsOfItsContent() throws {
    let content = try TemporaryFile(Self.content).content()
    #expect(TransactionID(content.derivation.id(ofLine: 2)).description == "72d54e7e-fdb5-a3db-eece-42d1ddcb306a")
  }

  @Test func anyChangedByteChangesEveryID() throws {
    let first = try TemporaryFile(Self.content).content().derivation
    let second = try TemporaryFile(Self.content + "42,bonus,6\n").content().derivation
    for line in 1...3 { #expect(first.id(ofLine: line) != second.id(ofLine: line)) }
  }
}
