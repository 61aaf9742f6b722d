import SystemPackage

/// The files of a real data directory.
struct DiskStorage: Storage {
  let root: FilePath
  /// False where direct input and output is not to be had and the operator accepted that.
  let isDirect: Bool
  /// True for the tools that must not change anything: files are opened without the right to.
  let isReadOnly: Bool

  init(root: FilePath, isDirect: Bool = true, isReadOnly: Bool = false) {
    self.root = root
    self.isDirect = isDirect
    self.isReadOnly = isReadOnly
  }

  func describe(_ path: String) -> String { path.isEmpty ? root.string : root.appending(path).string }

  func names(in directory: String) throws(Errno) -> [String] { try System.names(in: describe(directory)) }

  func makeDirectory(_ path: String) throws(Errno) { try System.makeDirectory(describe(path)) }

  func syncDirectory(_ path: String) throws(Errno) { try Self.syncDirectory(at: describe(path)) }

  /// Makes the entries of any directory durable; for the one above the data directory, too.
  static func syncDirectory(at path: String) throws(Errno) {
    let descriptor = try System.open(path, .directory)
    defer { System.close(descriptor) }
    try System.syncAll(descriptor)
  }

  func open(_ path: String) throws(Errno) -> any StorageFile {
    var options: System.OpenOptions = isDirect ? .direct : []
    if isReadOnly { options.insert(.readOnly) }
    return DiskFile(try System.open(describe(path), options))
  }

  func create(_ path: String) throws(Errno) -> any StorageFile {
    DiskFile(try System.open(describe(path), isDirect ? [.create, .exclusive, .direct] : [.create, .exclusive]))
  }

  func rename(_ source: String, to target: String) throws(Errno) {
    try System.rename(describe(source), describe(target))
  }

  func link(_ source: String, to target: String) throws(Errno) { try System.link(describe(source), describe(target)) }

  func remove(_ path: String) throws(Errno) { try System.remove(describe(path)) }

  func lock(_ path: String) throws(Errno) -> LockOutcome {
    // Never direct: the process id is a few bytes of text.
    let file = DiskFile(try System.open(describe(path), .create))
    guard try System.tryLock(file.descriptor) else { return .held(by: try file.holder()) }
    try file.writeHolder(System.processID)
    return .acquired(file)
  }

  func lockForReading(_ path: String) throws(Errno) -> LockOutcome {
    let file: DiskFile
    do {
      file = DiskFile(try System.open(describe(path), .readOnly))
    } catch .noSuchFileOrDirectory {
      // A copy that no server has had.
      return .acquired(NoLock())
    }
    return try System.tryLock(file.descriptor, shared: true) ? .acquired(file) : .held(by: try file.holder())
  }

  private final class NoLock: Sendable {}

  func unsuitableFileSystem() throws(Errno) -> String? {
    Self.unsuitableTypes[try System.fileSystemType(of: root.string)]
  }

  /// Names of file systems by their magic number (statfs(2)): in memory, or somewhere else.
  static let unsuitableTypes: [UInt32: String] = [
    0x0102_1994: "tmpfs", 0x8584_58F6: "ramfs", 0x6969: "nfs", 0x517B: "smb", 0xFF53_4D42: "smb", 0xFE53_4D42: "smb",
    0x0102_1997: "9p", 0x6573_5546: "fuse", 0x00C3_6400: "ceph", 0x5346_414F: "afs", 0x786F_4256: "vboxsf",
  ]
}

final class DiskFile: StorageFile {
  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { System.close(descriptor) }

  /// Calls `body` with the descriptor, which is open until it returns: of a file that nobody else holds, as in
  /// `open(path).read(…)`, the last use is otherwise reading the number, and it would be closed before the call.
  private func withDescriptor<Result>(_ body: (Int32) throws(Errno) -> Result) throws(Errno) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(descriptor)
  }

  func size() throws(Errno) -> Int { try withDescriptor(System.size) }

  func reserve(bytes: Int) throws(Errno) -> Bool {
    try withDescriptor { descriptor throws(Errno) in try System.reserve(descriptor, bytes: bytes) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
    try withDescriptor { descriptor throws(Errno) in try System.read(descriptor, into: buffer, at: offset) }
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
    try withDescriptor { descriptor throws(Errno) in try System.write(descriptor, buffer, at: offset) }
  }

  func sync() throws(Errno) { try withDescriptor(System.syncData) }

  func view(bytes: Int) throws(Errno) -> SegmentMemory {
    let base = try withDescriptor { descriptor throws(Errno) in try System.map(descriptor, bytes: bytes) }
    return SegmentMemory(owning: base, bytes: bytes)
  }

  // MARK: The lock file's text: the holder's process id in decimal digits and a newline.

  /// The process id in a lock file that someone else holds; nil while its holder has not written it yet.
  fileprivate func holder() throws(Errno) -> Int32? {
    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: min(try size(), 16), alignment: 1)
    defer { text.deallocate() }
    try System.read(descriptor, into: text, at: 0)
    let processID = Int32(String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    // A tool that only reads holds the lock without writing its id: what stands there is then an earlier server's.
    return processID.flatMap { System.isRunning($0) ? $0 : nil }
  }

  /// Over what stood there, and without giving its room back first: a full disk would not lend it again. What may be
  /// left of a longer number stands behind the newline. Where there is no room at all, the lock holds without the id.
  fileprivate func writeHolder(_ processID: Int32) throws(Errno) {
    let line = Array("\(processID)\n".utf8)
    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: line.count, alignment: 1)
    defer { text.deallocate() }
    text.copyBytes(from: line)
    do {
      try System.write(descriptor, UnsafeRawBufferPointer(text), at: 0)
    } catch .noSpace, .diskQuotaExceeded {
      return
    } catch {
      throw error
    }
  }
}
