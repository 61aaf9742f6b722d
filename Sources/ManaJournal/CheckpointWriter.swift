import SystemPackage

/// Writes a checkpoint: under a temporary name until it is whole, synced, read back and compared.
public final class CheckpointWriter {
  private let files: CheckpointFiles
  private var head: CheckpointHead
  private let path: String
  private let temporary: String
  private let file: any StorageFile
  private let isCancelled: () -> Bool
  private let piece = JournalLimits.checkpointPieceBytes
  private let memory: SegmentMemory
  /// Of the open piece.
  private var used = CheckpointHead.hashBytes
  /// Where the open piece goes.
  private var offset = CheckpointHead.bytes

  init(_ head: CheckpointHead, in storage: any Storage, isCancelled: @escaping () -> Bool) throws(JournalError) {
    files = CheckpointFiles(storage: storage, journal: head.journal)
    self.head = head
    self.isCancelled = isCancelled
    path = files.path(of: head.number)
    temporary = String(path.dropLast(CheckpointFiles.suffix.count) + CheckpointFiles.temporarySuffix)
    memory = try SegmentMemory(bytes: piece)
    // What an interrupted attempt left.
    try files.remove(temporary)
    let temporary = temporary
    file = try JournalError.naming("create", storage.describe(temporary)) { () throws(Errno) in
      try storage.create(temporary)
    }
  }

  /// Writes these bytes behind those before.
  ///
  /// - Throws: `system`, with the code `canceled` where nobody wants the checkpoint any more.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(JournalError) {
    var rest = bytes
    while let source = rest.baseAddress, rest.count > 0 {
      let count = min(rest.count, piece - used)
      (memory.base + used).copyMemory(from: source, byteCount: count)
      used += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      if used == piece { try writePiece() }
    }
    head.contentBytes += bytes.count
  }

  private func writePiece() throws(JournalError) {
    if isCancelled() { throw Self.cancelled(files.storage.describe(path)) }
    let length = BlockHeader.padded(used)
    System.zero(UnsafeMutableRawBufferPointer(start: memory.base + used, count: length - used))
    let hash = Hash128(
      of: UnsafeRawBufferPointer(
        start: memory.base + CheckpointHead.hashBytes, count: length - CheckpointHead.hashBytes))
    memory.base.storeLittle(hash.low, at: 0)
    memory.base.storeLittle(hash.high, at: 8)
    head.root = CheckpointHead.root(head.root, hash)
    try write(length, at: offset)
    offset += length
    used = CheckpointHead.hashBytes
  }

  private func write(_ length: Int, at offset: Int) throws(JournalError) {
    let bytes = UnsafeRawBufferPointer(start: memory.base, count: length)
    try perform("write") { () throws(Errno) in try file.write(bytes, at: offset) }
  }

  /// Makes what was written a checkpoint, durably, and removes those that are too old.
  func publish() throws(JournalError) -> CheckpointReport {
    if used > CheckpointHead.hashBytes { try writePiece() }
    head.encode(into: memory.base)
    try write(CheckpointHead.bytes, at: 0)
    try perform("sync") { () throws(Errno) in try file.sync() }
    try readBack()
    try perform("rename") { () throws(Errno) in try files.storage.rename(temporary, to: path) }
    let directory = Segment.directory(shard: head.journal.shard)
    try JournalError.naming("sync the directory", files.storage.describe(directory)) { () throws(Errno) in
      try files.storage.syncDirectory(directory)
    }
    try files.removeOld()
    return CheckpointReport(block: head.number, bytes: head.fileBytes, journalBytes: head.journalBytes)
  }

  /// Compares what the disk gives back. It is past the page cache, but may be the disk's own memory.
  private func readBack() throws(JournalError) {
    do throws(CheckpointFault) {
      let source = try CheckpointSource(path: temporary, journal: head.journal, in: files.storage, isCancelled)
      guard source.head == head else { throw CheckpointFault("its head is another one") }
      try source.skipToEnd()
    } catch {
      if isCancelled() { throw Self.cancelled(files.storage.describe(path)) }
      throw JournalError.checkpointNotWritten(file: files.storage.describe(temporary), reason: error.reason)
    }
  }

  /// Removes what was written so far: to be called when anything before `publish` has failed, or that did.
  func discard() {
    do throws(JournalError) {
      try files.remove(temporary)
    } catch {
      // The next checkpoint removes it, and until then it is in nobody's way.
      return
    }
  }

  static func cancelled(_ file: String) -> JournalError { .system(operation: "finish", file: file, code: .canceled) }

  private func perform(_ operation: String, _ body: () throws(Errno) -> Void) throws(JournalError) {
    try JournalError.naming(operation, files.storage.describe(temporary), body)
  }
}

extension JournalError {
  /// Nobody wanted any more what was under way.
  public var isCancellation: Bool {
    if case .system(_, _, .canceled) = self { return true }
    return false
  }
}
