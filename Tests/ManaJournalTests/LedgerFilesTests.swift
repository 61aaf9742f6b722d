import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// A ledger's files on a real disk, as the tools open them: beside a server, without one, or alone.
@Suite struct LedgerFilesTests {
  private let temporary = TemporaryDirectory()
  private var path: FilePath { temporary.path.appending("data") }

  /// A ledger of two shards with a few blocks each, in two segments.
  private func makeLedger() throws -> [UInt64] {
    let directory = try DataDirectory.open(
      at: path, creatingWith: CreationOptions(shardCount: 2, segmentBytes: 64 << 10), allowUnsuitableFileSystem: true)
    return try (0..<2).map { shard in
      let journal = try directory.recoverJournal(shard: shard, onDurable: {}, onFailure: { _ in }) { _ in 0 }
      for block in 0..<4 {
        while journal.makeRoom(bytes: 32_000, digest: 0, timestamp: 1) != .ready { #expect(journal.stepPreparer()) }
        journal.cursor.initializeMemory(as: UInt8.self, repeating: UInt8(10 * shard + block), count: 32_000)
        journal.append(bytes: 32_000, records: 1)
        journal.submit(digest: 0, timestamp: 1)
        #expect(journal.stepWriter() && journal.collectCompletions())
      }
      journal.close(digest: 0, timestamp: 1)
      return journal.durableBlockNumber
    }
  }

  @Test func aBackupIsALedger() throws {
    let blocks = try makeLedger()
    let files = try LedgerFiles.open(at: path, .besideServer)
    #expect(files.directory == path.string && files.identity.shardCount == 2)
    let target = temporary.path.appending("copy")
    var bytes = 0
    let copied = try files.backUp(to: target) { bytes += $0 }
    #expect(copied.map(\.shard) == [0, 1] && copied.map(\.lastBlock) == blocks)
    #expect(try bytes <= files.segmentBytesTotal() && bytes >= 4 * 64 << 10)
    #expect(throws: JournalError.targetNotEmpty(directory: target.string)) {
      try files.backUp(to: target) { _ in }
    }
    let copy = try LedgerFiles.open(at: target, .withoutServer)
    #expect(copy.identity == files.identity)
    for shard in 0..<2 {
      var values: [UInt8] = []
      let inspection = try copy.inspect(shard: shard) { block in
        if block.recordCount > 0 { values.append(block.body[0]) }
        return 0
      }
      #expect(inspection.damage == nil && inspection.blocks == blocks[shard] && inspection.segments >= 2)
      #expect(values == (0..<4).map { UInt8(10 * shard + $0) })
      let place = copy.place(ofPosition: 2048 + 3, shard: shard)
      #expect(place.segment == 1 && place.byte == 96 && place.file.hasSuffix("shard-00\(shard)/0000000001.segment"))
    }
  }

  @Test func whoIsThereKeepsToolsAway() throws {
    _ = try makeLedger()
    let server = try DataDirectory.open(at: path, allowUnsuitableFileSystem: true)
    for access in [LedgerFiles.Access.alone, .withoutServer] {
      #expect(throws: JournalError.locked(directory: path.string, processID: getpid())) {
        _ = try LedgerFiles.open(at: path, access)
      }
    }
    #expect(try LedgerFiles.open(at: path, .besideServer).identity == server.identity)
    #expect(try LedgerFiles(of: server).identity == server.identity)
  }

  /// A shard that is gone has no bytes to read; that it is gone, its inspection says.
  @Test func aShardThatIsGone() throws {
    _ = try makeLedger()
    #expect(rename(path.appending("shard-001").string, temporary.path.appending("gone").string) == 0)
    let files = try LedgerFiles.open(at: path, .alone)
    let names = try files.storage.names(in: "shard-000").filter { $0.hasSuffix(".segment") }
    #expect(try files.segmentBytesTotal() == names.count * 64 << 10)
    let inspection = try files.inspect(shard: 1) { _ in 0 }
    #expect(inspection.damage == .shardMissing(directory: path.appending("shard-001").string))
    #expect(try files.inspectCheckpoints(shard: 1) { _, _ in }.isEmpty)
  }

  @Test func whatIsNoLedger() throws {
    #expect(throws: JournalError.noLedger(directory: path.string)) { _ = try LedgerFiles.open(at: path, .alone) }
    System.close(try System.open(path.string, .create))
    #expect(throws: JournalError.noLedger(directory: path.string)) { _ = try LedgerFiles.open(at: path, .alone) }
    let below = path.appending("below")
    #expect(throws: JournalError.system(operation: "examine", file: below.string, code: .notDirectory)) {
      _ = try LedgerFiles.open(at: below, .alone)
    }
    #expect(throws: JournalError.system(operation: "create", file: below.string, code: .notDirectory)) {
      _ = try DataDirectory.open(at: below)
    }
  }

  /// A link that leads nowhere is there, and nothing can be made in it.
  @Test func aLinkThatLeadsNowhere() throws {
    #expect(symlink(temporary.path.appending("nowhere").string, path.string) == 0)
    let expected = JournalError.system(operation: "examine", file: path.string, code: .noSuchFileOrDirectory)
    #expect(throws: expected) { _ = try DataDirectory.open(at: path) }
    unlink(path.string)
    _ = try makeLedger()
    let files = try LedgerFiles.open(at: path, .besideServer)
    let target = temporary.path.appending("copy")
    #expect(symlink(temporary.path.appending("nowhere").string, target.string) == 0)
    #expect(throws: JournalError.system(operation: "examine", file: target.string, code: .noSuchFileOrDirectory)) {
      _ = try files.backUp(to: target) { _ in }
    }
  }

  /// Something else stands where the lock file should.
  @Test func aLockThatIsNoFile() throws {
    _ = try makeLedger()
    let lock = path.appending("lock").string
    unlink(lock)
    try System.makeDirectory(lock)
    let expected = JournalError.system(operation: "lock", file: lock, code: .isDirectory)
    #expect(throws: expected) { _ = try DataDirectory.open(at: path, allowUnsuitableFileSystem: true) }
    #expect(throws: expected) { _ = try LedgerFiles.open(at: path, .alone) }
  }

  /// A directory that is named without the one above it is made in the current one.
  @Test func aRelativeName() throws {
    let name = "mana-journal-\(getpid()).data"
    defer { rmdir(name) }
    try DataDirectory.makeRoot(FilePath(name))
    #expect(access(name, R_OK | X_OK) == 0)
    try DataDirectory.makeRoot(FilePath(name))
  }

  @Test func originalsHaveANameOfTheirOwn() throws {
    _ = try makeLedger()
    let files = try LedgerFiles.open(at: path, .alone)
    let name = try files.nameForOriginals(at: 0)
    #expect(name == "salvaged-1970-01-01T00-00-00Z")
    #expect(try files.makeDirectoryForOriginals(name) == path.appending(name).string)
    #expect(try files.nameForOriginals(at: 0) == name + "-2")
    _ = try files.makeDirectoryForOriginals(name + "-2")
    #expect(try files.nameForOriginals(at: 0) == name + "-3")
    #expect(try files.nameForOriginals() > "salvaged-2026")
  }
}
