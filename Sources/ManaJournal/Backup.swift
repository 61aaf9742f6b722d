// A copy of a ledger that a server may be writing to.
//
// Blocks are immutable once they are whole on the disk, and block n+1 is written only when n is: so any journal up to
// one of its blocks is a journal that was. Everything acknowledged before the copying began was whole on the disk by
// then. Segments that come into being later are left out, so that the copy ends.
//
// A block that is not whole when it is read is being written, or damaged. It is read again until it is whole, or until
// it no longer changes: then a later block, seen before the last reading, proves damage, and without one it is the end.
//
// The identity is written last: a directory without it is no ledger, and no server starts on it.

public import SystemPackage

/// What a backup holds of one shard.
public struct ShardBackup: Equatable, Sendable {
  public let shard: Int
  /// The last block of the source that the copy has.
  public internal(set) var lastBlock: UInt64 = 0
  /// The end of its records.
  public internal(set) var endPosition: UInt64 = 0
  public internal(set) var segments = 0
}

extension LedgerFiles {
  /// Copies the ledger to the directory `target`, which must be empty or absent, and syncs it. What the copy holds of
  /// each shard is all that was durable when this was called, and perhaps more.
  ///
  /// The copy ends with a block that names the last one durable, so that later damage to either is noticed.
  /// - Parameter progress: told the bytes of each segment that has been copied.
  /// - Throws: `targetNotEmpty`, `damaged` when the source is, `system`. O(bytes of the ledger).
  public func backUp(to target: FilePath, progress: (Int) -> Void) throws(JournalError) -> [ShardBackup] {
    try DataDirectory.makeRoot(target)
    let plain = DiskStorage(root: target)
    let unsuitable = try JournalError.naming("examine", target.string) { () throws(Errno) in
      try plain.unsuitableFileSystem()
    }
    return try backUp(to: DiskStorage(root: target, isDirect: unsuitable == nil), progress: progress)
  }

  /// `pause` is what happens between two readings of a block that is being written.
  func backUp(
    to target: any Storage, pause: () -> Void = { System.sleep(milliseconds: 20) }, progress: (Int) -> Void
  ) throws(JournalError) -> [ShardBackup] {
    let names = try JournalError.naming("list", target.describe("")) { () throws(Errno) in try target.names(in: "") }
    guard names.allSatisfy({ $0 == "lost+found" }) else { throw .targetNotEmpty(directory: target.describe("")) }
    var shards: [ShardBackup] = []
    for shard in 0..<identity.shardCount {
      let directory = Segment.directory(shard: shard)
      try JournalError.naming("create", target.describe(directory)) { () throws(Errno) in
        try target.makeDirectory(directory)
      }
      var copy = JournalCopy(files: self, shard: shard, target: target)
      shards.append(try copy.run(pause, progress))
    }
    try LedgerCreation(storage: target).publish(identity)
    return shards
  }
}

/// The copy of one shard in the making.
private struct JournalCopy {
  /// How often an unfinished block is read again while it changes: a write takes milliseconds, a stalled disk seconds.
  private static let attemptsMax = 500

  private enum Finding {
    case whole(BlockHeader)
    /// The journal goes on at the beginning of the next segment.
    case nextSegment
    case end
  }

  private let files: LedgerFiles
  private let shard: Int
  private let target: any Storage
  private var chain: ChainEnd
  private var result: ShardBackup
  private var lastBlock: BlockHeader?
  /// Those that were there when the copying began.
  private var numbers: [UInt32] = []

  init(files: LedgerFiles, shard: Int, target: any Storage) {
    self.files = files
    self.shard = shard
    self.target = target
    chain = ChainEnd(journal: files.journal(shard: shard))
    result = ShardBackup(shard: shard)
  }

  mutating func run(_ pause: () -> Void, _ progress: (Int) -> Void) throws(JournalError) -> ShardBackup {
    numbers = try JournalReader(storage: files.storage, journal: chain.journal).listSegments().numbers
    for number in numbers {
      // Each is the next one, or a start on this ledger would be refused.
      var reader = JournalReader(storage: files.storage, journal: chain.journal, segmentCount: result.segments)
      let segment = try reader.load(number)
      let (end, goesOn) = try follow(segment, pause)
      if !goesOn { try finish(segment, end) }
      try write(segment)
      progress(segment.bytes.count)
      if !goesOn { break }
    }
    if result.segments == 0 {
      throw JournalReader(storage: files.storage, journal: chain.journal).missing(0, before: nil)
    }
    if let unclosed { try addSegmentWithClosingBlock(behind: unclosed) }
    return result
  }

  // MARK: Reading

  /// Follows the blocks of a segment. Where they end, and whether the journal goes on in the next segment.
  private mutating func follow(
    _ segment: Segment, _ pause: () -> Void
  ) throws(JournalError) -> (end: Int, goesOn: Bool) {
    var offset = 0
    while offset < segment.bytes.count {
      switch try find(in: segment, at: offset, pause) {
      case .whole(let header):
        chain.accept(header, hash: BlockHeader.hash(at: segment.base + offset))
        lastBlock = header
        result.lastBlock = header.number
        result.endPosition = header.endPosition
        offset += header.paddedLength
      case .nextSegment: return (offset, true)
      case .end: return (offset, false)
      }
    }
    return (offset, segment.number != numbers.last)
  }

  /// The block at a place, read again while it may be being written.
  private func find(in segment: Segment, at offset: Int, _ pause: () -> Void) throws(JournalError) -> Finding {
    let place = BlockPlace(segment: segment.number, offset: offset)
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    let rest = UnsafeMutableRawBufferPointer(rebasing: segment.bytes[offset...])
    if case .valid(let header) = chain.judge(bytes, at: place) { return .whole(header) }
    if System.isZero(UnsafeRawBufferPointer(rest)), try startsNext(behind: segment) { return .nextSegment }
    var seen: Hash128?
    for _ in 0..<Self.attemptsMax {
      // First what would prove that this block was durable, then the block: it is there by now, or it is damaged.
      let proof = try proofBehind(segment)
      let isNext = try startsNext(behind: segment)
      try files.perform("read", segment.path) { () throws(Errno) in try segment.file.read(into: rest, at: offset) }
      if System.isZero(UnsafeRawBufferPointer(rest)), isNext { return .nextSegment }
      let verdict = chain.judge(bytes, at: place)
      let now = Hash128(of: UnsafeRawBufferPointer(rest))
      if verdict.isValid || now == seen { return try decide(verdict, in: segment, at: place, proof: proof) }
      seen = now
      pause()
    }
    throw .system(
      operation: "wait for the end of a write to", file: files.storage.describe(segment.path), code: .resourceBusy)
  }

  /// A block that is whole, or stays as it is.
  private func decide(
    _ verdict: ChainEnd.Verdict, in segment: Segment, at place: BlockPlace, proof: String?
  ) throws(JournalError) -> Finding {
    func damage(_ reason: String) -> JournalError { .damaged(chain.damage(at: place, reason, in: files.storage)) }
    switch verdict {
    case .valid(let header): return .whole(header)
    case .damaged(let reason): throw damage(reason)
    case .later(let number): throw damage("block \(number) stands there")
    case .newerVersion(let version):
      throw .unsupportedVersion(
        file: files.storage.describe(segment.path), found: version, supported: BlockHeader.formatVersion)
    case .torn(let reason, let skip, _):
      let bytes = UnsafeRawBufferPointer(segment.bytes)
      let here = chain.proofOfLoss(
        in: bytes, number: segment.number, from: place.offset + JournalLimits.blockAlignment,
        bodyEnd: place.offset + skip)
      if let proof = here ?? proof { throw damage("\(reason), and \(proof)") }
      return .end
    }
  }

  /// What in later segments proves that the expected block was acknowledged.
  private func proofBehind(_ segment: Segment) throws(JournalError) -> String? {
    for number in numbers where number > segment.number {
      let later = try SegmentBytes(of: number, shard: shard, in: files)
      if let proof = chain.proofOfLoss(in: later.buffer, number: number, from: 0) { return proof }
    }
    return nil
  }

  /// Whether the expected block, whole or still being written, stands at the beginning of the next segment.
  private func startsNext(behind segment: Segment) throws(JournalError) -> Bool {
    guard numbers.contains(segment.number + 1) else { return false }
    let header = try files.firstHeader(of: segment.number + 1, shard: shard)
    return header.map { $0.number == chain.expectedNumber && $0.previousHash == chain.lastHash } ?? false
  }

  // MARK: Writing

  private mutating func write(_ segment: Segment) throws(JournalError) {
    try SegmentFile.make(segment.path, content: UnsafeRawBufferPointer(segment.bytes), in: target)
    result.segments += 1
  }

  /// The last block, as long as nothing names it durable.
  private var unclosed: BlockHeader? { lastBlock.flatMap { $0.recordCount > 0 ? $0 : nil } }

  /// Clears what lies behind the last whole block, and closes the journal where there is room.
  private mutating func finish(_ segment: Segment, _ end: Int) throws(JournalError) {
    System.zero(UnsafeMutableRawBufferPointer(rebasing: segment.bytes[end...]))
    if let unclosed, end < segment.bytes.count {
      encodeClosingBlock(behind: unclosed, at: segment.base + end, segment: segment.number, offset: end)
    }
  }

  private mutating func addSegmentWithClosingBlock(behind last: BlockHeader) throws(JournalError) {
    let number = chain.resume.segment + 1
    let path = Segment.path(shard: shard, segment: number)
    let memory = try SegmentMemory(bytes: chain.journal.segmentBytes)
    let content = UnsafeRawBufferPointer(start: memory.base, count: memory.bytes)
    encodeClosingBlock(behind: last, at: memory.base, segment: number, offset: 0)
    try SegmentFile.make(path, content: content, in: target)
    result.segments += 1
  }

  private mutating func encodeClosingBlock(
    behind last: BlockHeader, at base: UnsafeMutableRawPointer, segment: UInt32, offset: Int
  ) {
    let body = UnsafeRawBufferPointer(
      start: base + JournalLimits.blockHeaderBytes, count: JournalLimits.blockAlignment - JournalLimits.blockHeaderBytes
    )
    let header = BlockHeader(
      journal: chain.journal, epoch: last.epoch, term: last.term, segment: segment, offset: offset,
      number: last.number + 1, byteLength: JournalLimits.blockHeaderBytes, recordCount: 0,
      durableNumber: last.number, timestamp: last.timestamp, previousHash: chain.lastHash,
      bodyHash: Hash128(of: body), digest: last.digest)
    let hash = header.encode(into: base)
    chain.accept(header, hash: hash)
    lastBlock = header
  }
}
