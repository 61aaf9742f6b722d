import SystemPackage

/// Reads a checkpoint, piece by piece, each of which is compared with its hash before a byte of it is given out.
public final class CheckpointSource {
  let head: CheckpointHead
  private let file: any StorageFile
  private let isCancelled: () -> Bool
  private let memory: SegmentMemory
  /// Of the piece in memory that was not given out yet.
  private var rest: Range<Int> = 0..<0
  /// Content behind that piece.
  private var bytesBehind: Int
  private var offset = CheckpointHead.bytes
  private var root = Hash128()
  private(set) var isFinished = false

  /// Reads the head.
  init(
    path: String, journal: JournalIdentity, in storage: any Storage, _ isCancelled: @escaping () -> Bool = { false }
  ) throws(CheckpointFault) {
    self.isCancelled = isCancelled
    do throws(JournalError) {
      memory = try SegmentMemory(bytes: JournalLimits.checkpointPieceBytes)
    } catch {
      throw CheckpointFault("there is no memory to read it: \(error)")
    }
    let size: Int
    do throws(Errno) {
      file = try storage.open(path)
      size = try file.size()
      guard size >= CheckpointHead.bytes else { throw .noData }
      try file.read(into: UnsafeMutableRawBufferPointer(start: memory.base, count: CheckpointHead.bytes), at: 0)
    } catch {
      throw CheckpointFault("it cannot be read: \(error)")
    }
    head = try CheckpointHead(at: memory.base, of: journal)
    bytesBehind = head.contentBytes
    guard size == head.fileBytes else { throw CheckpointFault("it has \(size) bytes instead of \(head.fileBytes)") }
  }

  /// The position behind the last record whose effects the state has.
  public var endPosition: UInt64 { head.endPosition }

  /// Fills the buffer with the bytes that follow.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointFault) {
    var filled = 0
    while filled < buffer.count {
      if rest.isEmpty { try readPiece() }
      let count = min(rest.count, buffer.count - filled)
      (buffer.baseAddress! + filled).copyMemory(from: memory.base + rest.lowerBound, byteCount: count)
      rest = rest.lowerBound + count..<rest.upperBound
      filled += count
    }
  }

  /// To be called when everything was read, with the digest of the state that this gave. Only then the state is good.
  public func finish(digest: UInt64) throws(CheckpointFault) {
    guard rest.isEmpty, bytesBehind == 0 else { throw CheckpointFault("it has more bytes than its state") }
    guard root == head.root else { throw CheckpointFault("its pieces are not those that were written") }
    guard digest == head.digest else { throw CheckpointFault("its state does not have its digest") }
    isFinished = true
  }

  /// Reads and compares what is left.
  func skipToEnd() throws(CheckpointFault) {
    rest = 0..<0
    while bytesBehind > 0 {
      try readPiece()
      rest = 0..<0
    }
    try finish(digest: head.digest)
  }

  private func readPiece() throws(CheckpointFault) {
    guard bytesBehind > 0 else { throw CheckpointFault("it ends before its state does") }
    if isCancelled() { throw CheckpointFault("nobody wants it any more") }
    let content = min(bytesBehind, JournalLimits.checkpointPieceBytes - CheckpointHead.hashBytes)
    let length = BlockHeader.padded(CheckpointHead.hashBytes + content)
    do throws(Errno) {
      try file.read(into: UnsafeMutableRawBufferPointer(start: memory.base, count: length), at: offset)
    } catch {
      throw CheckpointFault("it cannot be read: \(error)")
    }
    let body = UnsafeRawBufferPointer(
      start: memory.base + CheckpointHead.hashBytes, count: length - CheckpointHead.hashBytes)
    let hash = Hash128(of: body)
    guard hash == UnsafeRawPointer(memory.base).loadHash(at: 0) else {
      throw CheckpointFault("the piece at byte \(offset) does not have its hash")
    }
    root = CheckpointHead.root(root, hash)
    rest = CheckpointHead.hashBytes..<CheckpointHead.hashBytes + content
    offset += length
    bytesBehind -= content
  }
}
