import CIntrinsics
import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// A directory on a real disk that is gone with the test.
final class TemporaryDirectory {
  let path: FilePath

  init() {
    var template = Array("/var/tmp/mana-journal-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil)
    path = FilePath(template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
  }

  deinit { Self.remove(path.string) }

  private static func remove(_ path: String) {
    guard let names = try? System.names(in: path) else {
      unlink(path)
      return
    }
    for name in names { remove(path + "/" + name) }
    rmdir(path)
  }
}

@Suite struct DataDirectoryTests {
  private let temporary = TemporaryDirectory()
  private var path: FilePath { temporary.path.appending("data") }

  private func open(_ options: CreationOptions = CreationOptions(segmentBytes: 64 << 10)) throws -> DataDirectory {
    try DataDirectory.open(at: path, creatingWith: options, allowUnsuitableFileSystem: true)
  }

  @Test func aLedgerKeepsItsIdentity() throws {
    let made = try open(CreationOptions(shardCount: 3, segmentBytes: 128 << 10)).identity
    #expect(made.shardCount == 3 && made.segmentBytes == 128 << 10 && made.ledgerID != 0)
    #expect(try System.names(in: path.string) == ["ledger", "lock", "shard-000", "shard-001", "shard-002"])
    #expect(try open().identity == made)
    #expect(try open(CreationOptions(shardCount: 3)).identity == made)
    let other = JournalError.shardCountDiffers(directory: path.string, existing: 3, asked: 2)
    #expect(throws: other) { try open(CreationOptions(shardCount: 2)) }
  }

  @Test func theOffsetTableHolds() throws {
    let identity = LedgerIdentity(
      ledgerID: 0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100, shardCount: 3, segmentBytes: 64 << 10,
      shardHashSeed: 0x1122_3344_5566_7788)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
    defer { buffer.deallocate() }
    identity.encode(into: buffer)
    #expect(Array(buffer[0..<8]) == [0xFF] + Array("LEDGER".utf8) + [0xFE])
    #expect(Array(buffer[8..<16]) == [1, 0, 0, 0, 3, 0, 0, 0])
    #expect(Array(buffer[16..<32]) == [UInt8](0..<16))
    #expect(Array(buffer[32..<48]) == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 1, 0, 0, 0, 0, 0])
    #expect(buffer[48..<508].allSatisfy { $0 == 0 })
    #expect(try LedgerIdentity(decoding: UnsafeRawBufferPointer(buffer)) == identity)
  }

  @Test(arguments: [
    (CreationOptions(shardCount: 0), "0"), (CreationOptions(shardCount: 1001), "1001"),
    (CreationOptions(segmentBytes: 32 << 10), "32768"), (CreationOptions(segmentBytes: 100_000), "100000"),
    (CreationOptions(segmentBytes: 2 << 30), "2147483648"),
  ])
  func impossibleOptionsAreRefused(options: CreationOptions, named: String) throws {
    #expect {
      _ = try open(options)
    } throws: { error in
      guard case JournalError.invalidOption(let reason) = error else { return false }
      return reason.contains("not \(named).")
    }
  }

  @Test func aSecondServerIsRefusedAndTheFirstOneNamed() throws {
    let first = try open()
    #expect(throws: JournalError.locked(directory: path.string, processID: getpid())) { try open() }
    #expect(first.identity.shardCount == 1)
    #expect("\(JournalError.locked(directory: "/d", processID: 7))".contains("/d is in use by process 7"))
  }

  @Test func theLockGoesWithTheLastJournal() throws {
    var directory: DataDirectory? = try open()
    var journal: Journal? = try directory?.openJournal(shard: 0, onDurable: {}) { _ in 0 }
    directory = nil
    #expect(throws: JournalError.self) { try open() }
    journal?.close(digest: 0, timestamp: 0)
    journal = nil
    #expect(try open().identity.shardCount == 1)
  }

  @Test func foreignFilesAreLeftAlone() throws {
    try System.makeDirectory(path.string)
    let file = path.appending("notes.txt").string
    System.close(try System.open(file, .create))
    #expect(throws: JournalError.notADataDirectory(directory: path.string, file: "notes.txt")) { try open() }
    #expect(try System.names(in: path.string) == ["notes.txt"])
  }

  @Test func segmentsWithoutAnIdentityAreNotOverwritten() throws {
    let storage = SimulatedStorage()
    _ = try JournalBench(storage)
    storage.erase("ledger")
    #expect(throws: JournalError.notADataDirectory(directory: "/data/", file: "shard-000")) {
      try JournalBench(storage)
    }
  }

  /// The identity's own checks, behind a checksum that fits.
  @Test(arguments: [(8, "version"), (0, "magic"), (12, "0 shards"), (40, "segments"), (100, "zero")])
  func anImpossibleIdentityIsRefused(offset: Int, named: String) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
    defer { buffer.deallocate() }
    LedgerIdentity(ledgerID: 1, shardCount: 2, segmentBytes: 64 << 10, shardHashSeed: 3).encode(into: buffer)
    buffer[offset] ^= 2
    rechecksum(buffer)
    do {
      _ = try LedgerIdentity(decoding: UnsafeRawBufferPointer(buffer))
      Issue.record("decoded")
    } catch {
      #expect("\(error)".contains(named))
    }
  }

  @Test func aNewerIdentityIsNamed() throws {
    let storage = SimulatedStorage()
    _ = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    storage.edit("ledger") { bytes in
      bytes[8] = 2
      rechecksum(bytes)
    }
    #expect(throws: JournalError.unsupportedVersion(file: "/data/ledger", found: 2, supported: 1)) {
      _ = try DataDirectory(storage: storage, creatingWith: CreationOptions())
    }
  }

  private func rechecksum(_ buffer: UnsafeMutableRawBufferPointer) {
    buffer.baseAddress!.storeLittle(mana_crc32c(buffer.baseAddress!, 508), at: 508)
  }

  @Test func memoryIsNotADisk() throws {
    guard try System.fileSystemType(of: "/dev/shm") == 0x0102_1994 else { return }
    let place = FilePath("/dev/shm/mana-journal-\(getpid())")
    defer { rmdir(place.string) }
    #expect(throws: JournalError.unsuitableFileSystem(directory: place.string, name: "tmpfs")) {
      try DataDirectory.open(at: place)
    }
  }

  /// What an interrupted creation left may be made again, but for what it did not make.
  @Test func aForeignFileAmongTheLeftoversStays() throws {
    let storage = SimulatedStorage()
    storage.failure = .init(operation: 6, isLasting: true, code: .ioError)
    _ = try? DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    storage.failure = nil
    #expect(try storage.names(in: "") == ["ledger.temporary", "shard-000"])
    storage.add("shard-000/notes", [1])
    #expect(throws: JournalError.notADataDirectory(directory: "/data/", file: "shard-000/notes")) {
      _ = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
    }
    #expect(storage.paths.contains("shard-000/notes") && storage.paths.contains("ledger.temporary"))
  }

  /// A device with sectors of 4,096 bytes refuses the first write of 512.
  @Test func sectorsThatAreTooLarge() throws {
    let storage = SimulatedStorage()
    storage.failure = .init(operation: 2, isLasting: false, code: .invalidArgument)
    let expected = JournalError.unsuitableFileSystem(
      directory: "/data/", name: "a device or file system without direct writes of 512 bytes")
    #expect(throws: expected) { _ = try DataDirectory(storage: storage, creatingWith: CreationOptions()) }
  }

  /// Making a ledger is interrupted somewhere, and the next attempt somewhere else: the third one makes it.
  @Test func makingALedgerCanBeInterruptedTwice() throws {
    func attempt(on storage: SimulatedStorage, until operation: Int) -> SimulatedStorage {
      storage.failure = SimulatedStorage.Failure(operation: operation, isLasting: true, code: .ioError)
      _ = try? DataDirectory(storage: storage, creatingWith: CreationOptions(shardCount: 2, segmentBytes: 64 << 10))
      return storage.crashed { _, _ in true }
    }
    for first in 1...12 {
      for second in 1...16 {
        let once = attempt(on: SimulatedStorage(), until: first)
        let twice = attempt(on: once, until: second)
        let directory = try DataDirectory(
          storage: twice, creatingWith: CreationOptions(shardCount: 2, segmentBytes: 64 << 10))
        #expect(directory.identity.shardCount == 2, "interrupted at \(first), then at \(second)")
      }
    }
  }

  /// Making a ledger fails somewhere, or its process is killed there; the next start makes or takes it. From then on no
  /// power cut takes it away.
  @Test(arguments: [false, true])
  func aLedgerThatWasOpenedStays(isKilled: Bool) throws {
    for operation in 1...20 {
      let storage = SimulatedStorage()
      storage.failure = SimulatedStorage.Failure(operation: operation, isLasting: isKilled, code: .ioError)
      _ = try? DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
      storage.failure = nil
      let opened = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: 64 << 10))
      let afterPowerCut = storage.crashed(keepsNames: false) { _, _ in false }
      let again = try DataDirectory(storage: afterPowerCut, creatingWith: CreationOptions(segmentBytes: 64 << 10))
      #expect(again.identity == opened.identity, "operation \(operation)")
    }
  }
}
