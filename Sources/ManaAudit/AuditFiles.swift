import Glibc

/// The file that an audit log grows in, and the ones before it: `FILE.1` is the newest of those.
struct AuditFiles {
  let options: AuditLog.Options
  private var descriptor: Int32
  /// Bytes of whole lines in the file; what lies behind them is a write that failed.
  private var size: Int

  /// Longer than any line: what is read to find the last one.
  private static let tailBytes = 65_536

  /// Opens or makes the file, and takes it for this process alone.
  init(_ options: AuditLog.Options) throws(AuditError) {
    self.options = options
    descriptor = -1
    size = 0
    try open()
  }

  /// Cuts away a line without an end, then finds where the chain stands. Returns the number of bytes that were cut.
  mutating func recover() throws(AuditError) -> (chain: AuditChain, cutBytes: Int) {
    var tail = try Self.tail(of: descriptor, size: size, path: options.path)
    let cut = tail.count - (tail.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
    if cut > 0 {
      // A whole tail without an end of line is no torn line but another file.
      guard cut < Self.tailBytes else { throw foreign() }
      size -= cut
      guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure("cut") }
      tail.removeLast(cut)
    }
    if tail.isEmpty { tail = try lastRotated() }
    guard let line = Self.lastLine(of: tail) else { return (AuditChain(), cut) }
    guard let chain = AuditChain(after: line) else { throw foreign() }
    return (chain, cut)
  }

  /// Whether a line behind `pending` bytes that are not written yet belongs into a new file. A file has one line at least.
  func isFull(behind pending: Int, for line: Int) -> Bool {
    size + pending > 0 && size + pending + line > options.bytesMax
  }

  /// Writes whole lines. What a failure leaves behind is cut by the next attempt.
  mutating func write(_ lines: [UInt8]) throws(AuditError) {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure("cut") }
    var written = 0
    while written < lines.count {
      let count = lines[written...].withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress, $0.count, off_t(size + written))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write") }
      written += count
    }
    size += lines.count
  }

  /// Begins a new file. The oldest one beyond the number that is kept is gone then.
  mutating func rotate() throws(AuditError) {
    try sync()
    for number in stride(from: options.filesKept - 1, through: 1, by: -1) {
      guard rename(options.rotated(number), options.rotated(number + 1)) == 0 || errno == ENOENT else {
        throw failure("rotate")
      }
    }
    guard rename(options.path, options.rotated(1)) == 0 else { throw failure("rotate") }
    let before = descriptor
    do throws(AuditError) {
      try open()
    } catch {
      // It is the file in use still, under its new name; the next attempt finds it under the old one.
      _ = rename(options.rotated(1), options.path)
      throw error
    }
    Glibc.close(before)
  }

  func sync() throws(AuditError) {
    guard fsync(descriptor) == 0 else { throw failure("sync") }
  }

  func close() { Glibc.close(descriptor) }

  private mutating func open() throws(AuditError) {
    let opened = Glibc.open(options.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard opened >= 0 else { throw failure("open") }
    var status = stat()
    guard flock(opened, LOCK_EX | LOCK_NB) == 0, fstat(opened, &status) == 0 else {
      let error =
        errno == EWOULDBLOCK
        ? AuditError.file(path: options.path, problem: "another server writes it") : failure("lock")
      Glibc.close(opened)
      throw error
    }
    descriptor = opened
    size = Int(status.st_size)
  }

  private func lastRotated() throws(AuditError) -> [UInt8] {
    let rotated = Glibc.open(options.rotated(1), O_RDONLY | O_CLOEXEC)
    guard rotated >= 0 else {
      if errno == ENOENT { return [] }
      throw failure("open")
    }
    defer { Glibc.close(rotated) }
    var status = stat()
    guard fstat(rotated, &status) == 0 else { throw failure("examine") }
    return try Self.tail(of: rotated, size: Int(status.st_size), path: options.rotated(1))
  }

  private static func tail(of descriptor: Int32, size: Int, path: String) throws(AuditError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(size, tailBytes))
    var count = 0
    while count < bytes.count {
      let offset = off_t(size - bytes.count + count)
      let read = bytes[count...].withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
      if read < 0, errno == EINTR { continue }
      guard read > 0 else { throw .file(path: path, problem: "cannot read it") }
      count += read
    }
    return bytes
  }

  private static func lastLine(of tail: [UInt8]) -> [UInt8]? {
    guard tail.last == 0x0A else { return nil }
    let whole = tail.dropLast()
    return Array(whole[(whole.lastIndex(of: 0x0A).map { $0 + 1 } ?? whole.startIndex)...])
  }

  private func foreign() -> AuditError {
    .file(path: options.path, problem: "it does not end as an audit log does; look at it, and move it away")
  }

  /// What the system said about the call that just failed.
  private func failure(_ operation: String) -> AuditError {
    .file(path: options.path, problem: "cannot \(operation) it: \(String(cString: strerror(errno)))")
  }
}
