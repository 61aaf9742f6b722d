import Foundation
import ManaAccess
import Testing

@testable import ManaAudit

/// The chain of an audit log, its files, and what happens when it cannot keep up.
@Suite struct AuditLogTests {
  /// A folder of its own, removed in the end.
  final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "mana-audit-\(UUID().uuidString)")
    var path: String { url.appending(path: "audit").path() }

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit {
      // Nobody can be told here that it could not be removed.
      try? FileManager.default.removeItem(at: url)
    }

    func lines(_ suffix: String = "") throws -> [String] {
      try String(contentsOfFile: path + suffix, encoding: .utf8).split(separator: "\n").map(String.init)
    }
  }

  static func entry(_ number: Int) -> AuditEntry {
    AuditEntry(
      .credit, time: 1_700_000_000_000_000_000 + UInt64(number), who: "token shop (3f2a91c0)",
      from: "127.0.0.1:\(number)",
      details: [("amount", .text("\(number).0")), ("posted", .number(1))])
  }

  static func write(_ count: Int, to folder: Folder, bytesMax: Int = 64 << 20, filesKept: Int = 10) throws {
    var options = AuditLog.Options(path: folder.path)
    options.bytesMax = bytesMax
    options.filesKept = filesKept
    let log = try AuditLog(options) { Issue.record("\($0)") }
    for number in 0..<count { log.put(entry(number)) }
    log.stop()
  }

  @Test func eachLineHoldsTheHashOfTheOneBefore() throws {
    let folder = try Folder()
    try Self.write(3, to: folder)
    // A second start continues.
    try Self.write(2, to: folder)
    let lines = try folder.lines()
    #expect(lines.count == 5)
    var previous = String(repeating: "0", count: 64)
    for (index, line) in lines.enumerated() {
      let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object["previous"] as? String == previous)
      #expect(object["sequence"] as? Int == index + 1)
      #expect(object["event"] as? String == "credit")
      previous = SHA256Digest(of: Array(line.utf8)).hexadecimal
    }
    let found = try AuditVerification(of: folder.path, expecting: previous)
    #expect(found.isSound && found.lastSequence == 5 && found.lastHash == previous && found.hasExpected == true)
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  /// Each way to tamper, and the line at which it shows.
  static let tamperings: [(name: String, line: Int, change: @Sendable (inout [String]) -> Void)] = [
    ("changed", 4, { $0[2] = $0[2].replacingOccurrences(of: "\"2.0\"", with: "\"9.0\"") }),
    ("taken out", 3, { $0.remove(at: 2) }),
    ("doubled", 4, { $0.insert($0[2], at: 3) }),
    ("swapped", 3, { $0.swapAt(2, 3) }),
    ("no line of a log", 3, { $0[2] = "{}" }),
    ("first changed", 2, { $0[0] = $0[0].replacingOccurrences(of: "\"0.0\"", with: "\"9.0\"") }),
  ]

  @Test(arguments: 0..<tamperings.count) func tamperingShows(index: Int) throws {
    let tampering = Self.tamperings[index]
    let folder = try Folder()
    try Self.write(6, to: folder)
    var lines = try folder.lines()
    let before = lines
    tampering.change(&lines)
    try #require(lines != before)
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder.path))
    let found = try AuditVerification(of: folder.path)
    #expect(!found.isSound, "\(tampering.name)")
    #expect(found.fault?.line == tampering.line, "\(tampering.name)")
  }

  /// A chain whose end was cut off is whole; the hash that was kept elsewhere tells.
  @Test func aCutEndShowsByTheHashThatWasKept() throws {
    let folder = try Folder()
    try Self.write(6, to: folder)
    let kept = try AuditVerification(of: folder.path).lastHash
    let lines = try folder.lines().dropLast()
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder.path))
    #expect(try AuditVerification(of: folder.path).isSound)
    #expect(try !AuditVerification(of: folder.path, expecting: kept).isSound)
  }

  @Test func theChainGoesOnThroughRotatedFiles() throws {
    let folder = try Folder()
    try Self.write(20, to: folder, bytesMax: 1_000, filesKept: 3)
    try Self.write(20, to: folder, bytesMax: 1_000, filesKept: 3)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.url.path()).sorted()
    #expect(files == ["audit", "audit.1", "audit.2", "audit.3"])
    for file in files {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.url.appending(path: file).path())
      #expect((attributes[.size] as? Int ?? .max) <= 1_000)
    }
    let found = try AuditVerification(of: folder.path)
    #expect(found.isSound && found.files.count == 4 && found.lastSequence == 40 && found.firstSequence > 1)
    // A file taken out of the middle breaks it.
    try FileManager.default.removeItem(atPath: folder.path + ".1")
    try FileManager.default.moveItem(atPath: folder.path + ".2", toPath: folder.path + ".1")
    #expect(try !AuditVerification(of: folder.path).isSound)
  }

  @Test func aTornLineIsCutAndSaidSo() throws {
    let folder = try Folder()
    try Self.write(3, to: folder)
    let handle = try FileHandle(forWritingTo: URL(filePath: folder.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(#"{"previous":"12"#.utf8))
    try handle.close()
    let torn = try AuditVerification(of: folder.path)
    #expect(torn.isSound && torn.endsTorn)
    try Self.write(1, to: folder)
    let lines = try folder.lines()
    #expect(lines.count == 5 && lines[3].contains("tornLineRemoved") && lines[3].contains("\"bytes\":15"))
    #expect(try AuditVerification(of: folder.path).isSound)
  }

  @Test func anotherFileIsNotTouched() throws {
    let folder = try Folder()
    try Data("precious\n".utf8).write(to: URL(filePath: folder.path))
    #expect(throws: AuditError.self) { try AuditLog(AuditLog.Options(path: folder.path)) { _ in } }
    #expect(try folder.lines() == ["precious"])
  }

  @Test func oneServerAtATimeWritesIt() throws {
    let folder = try Folder()
    let log = try AuditLog(AuditLog.Options(path: folder.path)) { _ in }
    defer { log.stop() }
    #expect { try AuditLog(AuditLog.Options(path: folder.path)) { _ in } } throws: {
      "\($0)".contains("another server")
    }
  }

  /// Refusals have half of the room and are counted beyond it; a credit finds its place, until there is none.
  @Test func aFullQueueCountsRefusalsAndRefusesCredits() {
    let queue = AuditQueue(capacity: 8)
    for number in 0..<7 { queue.offer(Self.entry(number)) }
    #expect(queue.next()?.entries.count == 4 && queue.next()?.dropped == 3)
    for _ in 0..<4 { #expect(queue.reserve()) }
    #expect(!queue.reserve())
    queue.fill(Self.entry(8))
    #expect(!queue.reserve())
    queue.release()
    #expect(queue.reserve())
    queue.written(5, dropped: 3)
    queue.offer(Self.entry(9))
    #expect(queue.next()?.entries.count == 1 && queue.next()?.dropped == 0)
  }

  /// What cannot be written is kept, told of once, and written when that is possible again.
  @Test func whatCannotBeWrittenWaits() async throws {
    let folder = try Folder()
    var options = AuditLog.Options(path: folder.path)
    options.bytesMax = 1_000
    options.filesKept = 1
    let (troubles, report) = AsyncStream.makeStream(of: String.self)
    let log = try AuditLog(options) { report.yield($0) }
    // A directory in the way of the file that is put aside.
    let obstacle = folder.path + ".1/full"
    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
    for number in 0..<8 { log.put(Self.entry(number)) }
    var iterator = troubles.makeAsyncIterator()
    #expect(await iterator.next()?.contains("rotate") == true)
    try FileManager.default.removeItem(atPath: folder.path + ".1")
    // The writer tries again each second.
    while !FileManager.default.fileExists(atPath: folder.path + ".1") { try await Task.sleep(for: .milliseconds(20)) }
    log.stop()
    #expect(try AuditVerification(of: folder.path).lastSequence == 8)
    #expect(try AuditVerification(of: folder.path).isSound)
  }

  @Test func dropsAreWritten() throws {
    let folder = try Folder()
    let log = try AuditLog(AuditLog.Options(path: folder.path), queueCapacity: 0) { Issue.record("\($0)") }
    for number in 0..<5 { log.offer(Self.entry(number)) }
    #expect(!log.reserve())
    log.stop()
    let lines = try folder.lines()
    #expect(lines.allSatisfy { $0.contains("entriesDropped") })
    let counts = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(counts.reduce(0) { $0 + ($1?["entries"] as? Int ?? 0) } == 5)
  }

  /// Nothing of a caller breaks the line or makes it long.
  @Test func aLineIsOneLine() throws {
    var chain = AuditChain()
    let entry = AuditEntry(
      .connectionRefused, time: 0, from: "a\nb\u{2028}", outcome: String(repeating: "\u{1}", count: 100_000),
      details: [("reason", .text("\"}\n{\"event\":\"credit\""))])
    let line = chain.append(entry)
    #expect(line.count < 16_384 && line.filter { $0 == 0x0A }.count == 1)
    let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
    #expect(object?["event"] as? String == "connectionRefused")
  }
}
