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

  /// A call that a signal interrupts is made again until it is not.
  @Test func interruptedCallsAreMadeAgain() throws {
    var codes: [Int32] = [EINTR, EINTR, 0]
    func call() -> Int {
      errno = codes.removeFirst()
      return errno == 0 ? 5 : -1
    }
    #expect(try System.uninterrupted(call) == 5 && codes.isEmpty)
    codes = [EINTR, EIO, 0]
    #expect(throws: Errno.ioError) { try System.uninterrupted(call) }
    #expect(codes == [0])
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
    #expect(resident[..<12].allSatisfy { $0 & 1 == 1 })
  }

  @Test func moreMemoryThanThereIs() throws {
    do throws(JournalError) {
      _ = try SegmentMemory(bytes: 1 << 60)
      Issue.record("there is")
    } catch {
      #expect(error == .system(operation: "have \(1 << 60) bytes of", file: "memory", code: .noMemory))
    }
  }

  /// A segment whose second huge page cannot be touched: nothing is mapped there.
  @Test func memoryThatIsGone() throws {
    // Where nobody maps anything by himself.
    let low = UnsafeMutableRawPointer(bitPattern: 0x2000_0000)
    let fixed: Int32 = 0x10_0000
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | fixed
    let base = try #require(mmap(low, JournalLimits.hugePageBytes, PROT_READ | PROT_WRITE, flags, -1, 0))
    try #require(base == low)
    let memory = SegmentMemory(owning: base, bytes: 2 * JournalLimits.hugePageBytes)
    let segment = Segment(
      number: 1, path: "s", file: try SimulatedStorage().create("s"), buffer: SegmentBuffer(memory),
      populatedBytes: JournalLimits.hugePageBytes)
    let expected = JournalError.system(
      operation: "have \(JournalLimits.hugePageBytes) bytes of", file: "memory", code: .noMemory)
    #expect(throws: expected) { try segment.populateNext() }
    #expect(segment.populatedBytes == JournalLimits.hugePageBytes)
  }

  /// A process that may map nothing more: what it needs is named. Sanitizers map memory of their own all the time.
  @Test(.enabled(if: getenv("ASAN_OPTIONS") == nil && getenv("TSAN_OPTIONS") == nil))
  func addressesAreUsedUp() async {
    await #expect(processExitsWith: .success) {
      let directory = try DataDirectory(
        storage: SimulatedStorage(), creatingWith: CreationOptions(segmentBytes: 64 << 10))
      let journal = try directory.recoverJournal(shard: 0, onDurable: {}, onFailure: { _ in }) { _ in 0 }
      // Small things come from what the allocator has.
      free(malloc(100_000))
      let addressSpace = __rlimit_resource_t(9)
      var before = rlimit()
      getrlimit(addressSpace, &before)
      var limit = rlimit(rlim_cur: 1 << 20, rlim_max: before.rlim_max)
      setrlimit(addressSpace, &limit)
      var errors: [any Error] = []
      do { try journal.startThreads(shard: 7) } catch { errors.append(error) }
      do { _ = try SegmentTableStorage(segmentBytes: 64 << 10) } catch { errors.append(error) }
      do {
        _ = try CheckpointSource(path: "c", journal: directory.identity.journal(shard: 0), in: directory.storage)
      } catch {
        errors.append(error)
      }
      setrlimit(addressSpace, &before)
      try #require(errors.count == 3)
      let thread = JournalError.system(
        operation: "start", file: "thread mana-write-7", code: .resourceTemporarilyUnavailable)
      #expect(errors[0] as? JournalError == thread)
      let table = JournalError.system(operation: "reserve \(1 << 30) bytes of", file: "memory", code: .noMemory)
      #expect(errors[1] as? JournalError == table)
      #expect((errors[2] as? CheckpointFault)?.reason.hasPrefix("there is no memory to read it: ") == true)
    }
  }

  /// A process without a descriptor left cannot make the name of a new directory durable.
  @Test func descriptorsAreUsedUp() async {
    await #expect(processExitsWith: .success) {
      let temporary = TemporaryDirectory()
      let descriptors = __rlimit_resource_t(7)
      var before = rlimit()
      getrlimit(descriptors, &before)
      var limit = rlimit(rlim_cur: 0, rlim_max: before.rlim_max)
      setrlimit(descriptors, &limit)
      var found: JournalError?
      do throws(JournalError) {
        try DataDirectory.makeRoot(temporary.path.appending("data"))
      } catch {
        found = error
      }
      setrlimit(descriptors, &before)
      let expected = JournalError.system(
        operation: "sync the directory", file: temporary.path.string, code: .tooManyOpenFiles)
      #expect(found == expected)
    }
  }

  @Test func memoryThatIsNotThere() throws {
    // Addresses of a file's bytes, of which it has none.
    let file = try file(of: 0)
    let base = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0))
    defer { System.unmap(base, bytes: 4096) }
    #expect(throws: Errno.badAddress) { try System.populate(base, bytes: 4096) }
  }

  /// Several small pieces at a time: the kernel gives no two of them that begin at such an address by themselves.
  @Test func anAlignmentIsKept() throws {
    let (bytes, alignment) = (4_096, 2 << 20)
    for _ in 0..<2 {
      let pieces = try (0..<3).map { _ in
        try System.map(bytes: bytes, alignment: alignment, flags: MAP_PRIVATE | MAP_ANONYMOUS)
      }
      for piece in pieces {
        #expect(Int(bitPattern: piece) % alignment == 0)
        memset(piece, 1, bytes)
      }
      for piece in pieces { System.unmap(piece, bytes: bytes) }
    }
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
    // Where nothing was written the testing library's own mark, some random bytes, is left.
    let silence = String(decoding: try #require(silent).standardErrorContent, as: UTF8.self)
    #expect(!silence.contains("mana"), "\(silence)")
  }
}
