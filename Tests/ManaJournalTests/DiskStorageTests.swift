import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// The files of a real directory: names, locks, and which file systems can keep a promise.
@Suite struct DiskStorageTests {
  private let temporary = TemporaryDirectory()
  private var storage: DiskStorage { DiskStorage(root: temporary.path, isDirect: false) }

  @Test func namesComeAndGo() throws {
    let content = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 512)
    defer { content.deallocate() }
    content.initializeMemory(as: UInt8.self, repeating: 3)
    try storage.makeDirectory("inside")
    #expect(throws: Errno.fileExists) { try storage.makeDirectory("inside") }
    let file = try storage.create("inside/one")
    #expect(throws: Errno.fileExists) { _ = try storage.create("inside/one") }
    try file.write(UnsafeRawBufferPointer(content), at: 0)
    try file.sync()
    try storage.link("inside/one", to: "two")
    try storage.rename("inside/one", to: "three")
    try storage.syncDirectory("inside")
    try storage.syncDirectory("")
    #expect(try storage.names(in: "") == ["inside", "three", "two"])
    try storage.remove("two")
    #expect(throws: Errno.noSuchFileOrDirectory) { try storage.remove("two") }
    let view = try storage.open("three").view(bytes: 512)
    #expect(UnsafeRawBufferPointer(start: view.base, count: view.bytes).allSatisfy { $0 == 3 })
    #expect(try storage.open("three").size() == 512)
  }

  @Test func whatIsReadOnlyIsNotWritten() throws {
    _ = try storage.create("file")
    let files = DiskStorage(root: temporary.path, isDirect: false, isReadOnly: true)
    let content = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 512)
    defer { content.deallocate() }
    #expect(throws: Errno.badFileDescriptor) { try files.open("file").write(UnsafeRawBufferPointer(content), at: 0) }
  }

  // MARK: Locks

  /// Whether a lock was had; else whose it is.
  private enum Answer: Equatable {
    case acquired
    case held(by: Int32?)
  }

  /// What trying to lock gives; the lock is given back at once.
  private func answer(_ lock: (String) throws -> LockOutcome) throws -> Answer {
    switch try lock("lock") {
    case .acquired: .acquired
    case .held(let processID): .held(by: processID)
    }
  }

  @Test func aServerKeepsEveryoneAway() throws {
    guard case .acquired(let lock) = try storage.lock("lock") else { throw Unexpected() }
    #expect(try answer(storage.lock) == .held(by: getpid()))
    #expect(try answer(storage.lockForReading) == .held(by: getpid()))
    withExtendedLifetime(lock) {}
  }

  /// Tools share the lock, and keep servers away without saying who they are: the id in the file is an earlier server's.
  @Test func toolsKeepServersAway() throws {
    #expect(try answer(storage.lockForReading) == .acquired, "a copy that no server has had")
    for text in ["", "2147483647\n", "no number\n"] {
      try write(text, to: "lock")
      guard case .acquired(let lock) = try storage.lockForReading("lock") else { throw Unexpected() }
      #expect(try answer(storage.lockForReading) == .acquired)
      #expect(try answer(storage.lock) == .held(by: nil), "\(text)")
      withExtendedLifetime(lock) {}
    }
    #expect(try answer(storage.lock) == .acquired)
  }

  /// A disk without room for the id locks all the same; one that refuses it for another reason does not.
  @Test func anIdThatCannotBeWritten() throws {
    symlink("/dev/full", temporary.path.appending("lock").string)
    #expect(try answer(storage.lock) == .acquired)
    try storage.remove("lock")
    // Nothing can be written at a place of a pipe.
    #expect(mkfifo(temporary.path.appending("lock").string, 0o600) == 0)
    #expect(throws: Errno.illegalSeek) { try storage.lock("lock") }
  }

  private func write(_ text: String, to name: String) throws {
    let descriptor = try System.open(temporary.path.appending(name).string, .create)
    defer { System.close(descriptor) }
    #expect(ftruncate(descriptor, 0) == 0)
    let bytes = Array(text.utf8)
    try bytes.withUnsafeBytes { try System.write(descriptor, $0, at: 0) }
  }

  private struct Unexpected: Error {}

  // MARK: File systems

  @Test(
    arguments: [
      (0x0102_1994, "tmpfs"), (0x8584_58F6, "ramfs"), (0x6969, "nfs"), (0x517B, "smb"), (0xFF53_4D42, "smb"),
      (0xFE53_4D42, "smb"), (0x0102_1997, "9p"), (0x6573_5546, "fuse"), (0x00C3_6400, "ceph"), (0x5346_414F, "afs"),
      (0x786F_4256, "vboxsf"), (0xEF53, nil), (0x5846_5342, nil), (0x9123_683E, nil),
    ] as [(UInt32, String?)])
  func fileSystems(type: UInt32, unsuitable: String?) { #expect(DiskStorage.unsuitableTypes[type] == unsuitable) }
}
