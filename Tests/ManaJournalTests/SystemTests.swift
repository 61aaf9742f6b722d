import Glibc
import SystemPackage
import Testing

@testable import ManaJournal

/// The door to the operating system: what it makes of short counts, of errors, and of what a kernel does not have.
@Suite struct SystemTests {
  private let temporary = TemporaryDirectory()
  private var path: String { temporary.path.appending("file").string }

  /// An open file of that many bytes, all of them 7.
  private func file(of bytes: Int) throws -> DiskFile {
    let file = DiskFile(try System.open(path, [.create, .exclusive]))
    let content = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
    defer { content.deallocate() }
    content.initializeMemory(as: UInt8.self, repeating: 7)
    try file.write(UnsafeRawBufferPointer(content), at: 0)
    return file
  }

  /// A file ends in the middle of what is to be read, at a sector or elsewhere: what is there is read, and not believed.
  @Test(arguments: [700, 512, 0]) func aFileThatEndsEarly(bytes: Int) throws {
    let file = try file(of: bytes)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 16)
    defer { buffer.deallocate() }
    System.zero(buffer)
    #expect(throws: Errno.noData) { try file.read(into: buffer, at: 0) }
    #expect(buffer[..<bytes].allSatisfy { $0 == 7 } && buffer[bytes...].allSatisfy { $0 == 0 })
  }

  /// A disk that takes a part of a write is told the rest, and one that takes less than a sector has failed.
  @Test func aWriteThatIsCutShort() async {
    await #expect(processExitsWith: .success) {
      let temporary = TemporaryDirectory()
      let path = temporary.path.appending("file").string
      let file = DiskFile(try System.open(path, [.create, .exclusive]))
      let content = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
      content.initializeMemory(as: UInt8.self, repeating: 7)
      signal(SIGXFSZ, SIG_IGN)
      let fileSize = __rlimit_resource_t(1)
      var before = rlimit()
      getrlimit(fileSize, &before)
      // Of 4096 bytes 1100 fit: 1024 of them count, then 76, which are less than a sector.
      var limit = rlimit(rlim_cur: 1100, rlim_max: before.rlim_max)
      setrlimit(fileSize, &limit)
      #expect(throws: Errno.ioError) { try file.write(UnsafeRawBufferPointer(content), at: 0) }
      #expect(throws: Errno.fileTooLarge) { try file.write(UnsafeRawBufferPointer(content), at: 4096) }
      setrlimit(fileSize, &before)
      #expect(try file.size() == 1100)
    }
  }

  @Test func nothingIsNothing() throws {
    // No descriptor is looked at.
    try System.read(-1, into: UnsafeMutableRawBufferPointer(start: nil, count: 0), at: 0)
    try System.write(-1, UnsafeRawBufferPointer(start: nil, count: 0), at: 0)
    System.zero(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    #expect(System.isZero(UnsafeRawBufferPointer(start: nil, count: 0)))
  }

  /// What the system refuses comes with its own code.
  @Test func errorsKeepTheirCode() throws {
    let missing = temporary.path.appending("missing").string
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
    defer { buffer.deallocate() }
    #expect(throws: Errno.noSuchFileOrDirectory) { try System.open(missing, .direct) }
    #expect(throws: Errno.noSuchFileOrDirectory) { try System.names(in: missing) }
    #expect(throws: Errno.noSuchFileOrDirectory) { try System.fileSystemType(of: missing) }
    #expect(throws: Errno.badFileDescriptor) { try System.read(-1, into: buffer, at: 0) }
    #expect(throws: Errno.badFileDescriptor) { try System.write(-1, UnsafeRawBufferPointer(buffer), at: 0) }
    #expect(throws: Errno.badFileDescriptor) { try System.size(of: -1) }
    #expect(throws: Errno.badFileDescriptor) { try System.reserve(-1, bytes: 512) }
    #expect(throws: Errno.badFileDescriptor) { try System.tryLock(-1) }
    #expect(throws: Errno.badFileDescriptor) { try System.map(-1, bytes: 512) }
    #expect(throws: Errno.noMemory) { try System.map(bytes: 1 << 60, alignment: 1, populated: 0) }
  }

  /// Files of /proc have no blocks, so none can be taken ahead.
  @Test func roomThatCannotBeTaken() throws {
    let file = DiskFile(try System.open("/proc/self/comm", []))
    #expect(try !file.reserve(bytes: 512))
  }

  // MARK: Memory

  /// Memory begins at a multiple of what is asked for, also where the kernel does not give that by itself, and is zero.
  @Test(arguments: [1, 4096, 2 << 20, 1 << 30]) func alignment(alignment: Int) throws {
    let bytes = max(alignment, 4096)
    let base = try System.map(bytes: bytes, alignment: alignment, populated: 0)
    #expect(Int(bitPattern: base) % alignment == 0)
    #expect(System.isZero(UnsafeRawBufferPointer(start: base, count: 4096)))
    #expect(System.isZero(UnsafeRawBufferPointer(start: base + bytes - 4096, count: 4096)))
    System.unmap(base, bytes: bytes)
  }

  /// A kernel that does not know how to touch pages, as before Linux 5.14, says so like one that is asked for half a
  /// page: they are touched one by one.
  @Test func pagesAreTouchedWhereTheKernelDoesNot() throws {
    let base = try System.map(bytes: 64 << 10, alignment: 1, populated: 0)
    defer { System.unmap(base, bytes: 64 << 10) }
    try System.populate(base + 8, bytes: 48 << 10)
    var resident = [UInt8](repeating: 0, count: 16)
    #expect(mincore(base, 64 << 10, &resident) == 0)
    #expect(resident[..<12].allSatisfy { $0 & 1 == 1 } && resident[13] & 1 == 0)
  }

  @Test func memoryThatIsNotThere() throws {
    // Addresses of a file's bytes, of which it has none.
    let file = try file(of: 0)
    let base = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0))
    defer { System.unmap(base, bytes: 4096) }
    #expect(throws: Errno.badAddress) { try System.populate(base, bytes: 4096) }
  }

  // MARK: Processes

  @Test func whoIsRunning() {
    #expect(System.isRunning(getpid()))
    #expect(!System.isRunning(.max))
  }

  /// The end after a failed write: one line, and a status that says what it was.
  @Test func theProcessEnds() async throws {
    let told = await #expect(processExitsWith: .exitCode(74), observing: [\.standardErrorContent]) {
      JournalFailure.endProcess(JournalFailure(operation: "sync", file: "/data/x", code: .ioError))
    }
    let text = String(decoding: try #require(told).standardErrorContent, as: UTF8.self)
    #expect(text.hasPrefix("mana: cannot sync /data/x: ") && text.hasSuffix("cut.\n"), "\(text)")
    let silent = await #expect(processExitsWith: .exitCode(74), observing: [\.standardErrorContent]) {
      JournalFailure.endProcessSilently()
    }
    #expect(try #require(silent).standardErrorContent.isEmpty)
  }
}
