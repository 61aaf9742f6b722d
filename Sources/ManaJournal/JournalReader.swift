// Reading a journal and judging it, without changing a byte: what recovery, verification and salvage have in common.
//
// Segments are read in order, past the page cache (after a failed sync it shows bytes that the disk does not have).
// Blocks are judged one after the other (`BlockCheck.swift`), executed by `replay`, and the digest of the state is
// compared. The first bad block at n:
//
//   1. The rest of its segment is zeros: the block may stand at the beginning of the next segment, or nowhere.
//   2. Else everything behind it, in this and all later segments, is searched once for a proof that n had been
//      acknowledged. Found: damage. Not found: a torn tail, which nobody was told of.

import SystemPackage

/// Follows one shard's journal: `listSegments`, then `load` and `follow` for each, then `checkNotEmpty`.
struct JournalReader {
  typealias Replay = (borrowing RecoveredBlock) throws(JournalError) -> UInt64

  struct BadBlock {
    let place: BlockPlace
    let reason: String
  }

  let storage: any Storage
  let journal: JournalIdentity
  /// The shard's directory.
  let directory: String
  /// Behind the last block that is whole and was executed.
  var chain: ChainEnd
  /// The first block that is not whole; nothing behind it proves that anyone was told of it.
  var badBlock: BadBlock?
  private(set) var lastBlockHasRecords = false
  /// Behind the last record.
  private(set) var endPosition: UInt64 = 0
  var statistics = RecoveryStatistics()
  /// Of the last block.
  private(set) var lastDigest: UInt64 = 0
  private(set) var lastTimestamp: UInt64 = 0
  /// The newest epoch seen, that of a torn header included.
  private var tornEpoch: UInt32 = 0
  var segmentCount: Int
  /// Is told of each block that was executed.
  let archive: SegmentArchive?
  /// Whose blocks are not executed again, but compared.
  var checkpoint: RestoredCheckpoint?
  /// Told the records of each block that is compared and not executed.
  var onCompared: (Int) -> Void = { _ in }
  /// False until the first block of the first segment has begun the chain in the middle of the journal.
  var isAnchored = true

  /// `segmentCount`: those that were loaded before, by another reader.
  init(
    storage: any Storage, journal: JournalIdentity, segmentCount: Int = 0, archive: SegmentArchive? = nil
  ) {
    self.archive = archive
    self.storage = storage
    self.journal = journal
    self.segmentCount = segmentCount
    directory = Segment.directory(shard: journal.shard)
    chain = ChainEnd(journal: journal)
  }

  /// What a checkpoint of the last block would be of.
  var head: CheckpointHead {
    CheckpointHead(
      journal: journal, resume: chain.resume, number: chain.lastNumber, blockHash: chain.lastHash,
      endPosition: endPosition, digest: lastDigest, records: statistics.records)
  }

  /// The newest epoch seen.
  var epochMax: UInt32 { max(tornEpoch, chain.lastEpoch) }

  // MARK: Files

  /// The segments that are there, in order, and the files of segments that were in the making.
  func listSegments() throws(JournalError) -> (numbers: [UInt32], temporaries: [String]) {
    let names = try storage.names(ofShard: directory)
    return (
      names.compactMap(Segment.number(in:)).sorted(),
      names.filter { name in
        [Segment.temporarySuffix, CheckpointFiles.temporarySuffix].contains { name.hasSuffix($0) }
      }
    )
  }

  /// Reads the next segment, which must be number 0, 1, 2 …, into `buffer` if there is one.
  mutating func load(_ number: UInt32, into buffer: SegmentBuffer? = nil) throws(JournalError) -> Segment {
    let segment = try open(number, buffer)
    try JournalError.naming("read", storage.describe(segment.path)) { () throws(Errno) in
      for piece in segment.pieces {
        try segment.file.read(
          into: UnsafeMutableRawBufferPointer(rebasing: segment.bytes[piece]), at: piece.lowerBound)
      }
    }
    noteLoaded()
    return segment
  }

  /// The next segment was read, by whomever.
  mutating func noteLoaded() { segmentCount += 1 }

  /// The next segment and room for its bytes. A file of another length than the ledger's segments have is damage, unless
  /// `accept` takes it.
  func open(
    _ number: UInt32, _ buffer: SegmentBuffer? = nil, acceptingSize accept: (Int) -> Bool = { _ in false }
  ) throws(JournalError) -> Segment {
    guard Int(number) == segmentCount else { throw missing(UInt32(segmentCount), before: number) }
    let path = Segment.path(shard: journal.shard, segment: number)
    let name = storage.describe(path)
    let file = try JournalError.naming("open", name) { () throws(Errno) in try storage.open(path) }
    let size = try JournalError.naming("measure", name) { () throws(Errno) in try file.size() }
    guard size == journal.segmentBytes || accept(size) else { throw wrongSize(size, of: number) }
    if let buffer { return Segment(number: number, path: path, file: file, buffer: buffer) }
    let memory = try SegmentMemory(bytes: journal.segmentBytes)
    return Segment(number: number, path: path, file: file, buffer: SegmentBuffer(memory))
  }

  func wrongSize(_ size: Int, of number: UInt32) -> JournalError {
    damage(
      BlockPlace(segment: number, offset: min(size, journal.segmentBytes)),
      "the file has \(size) bytes instead of \(journal.segmentBytes), and no crash changes a segment's length")
  }

  /// To be called when every segment was followed: a journal has at least one.
  func checkNotEmpty() throws(JournalError) {
    if segmentCount == 0 { throw missing(0, before: nil) }
  }

  // MARK: Blocks

  /// Executes the blocks of the segment that was loaded, or, behind a bad block, searches it for a proof that the bad
  /// one had been acknowledged. `table` finds its records already. O(bytes).
  ///
  /// `start` is where its first block that was not followed yet begins: behind the last one that was.
  mutating func follow(
    _ segment: Segment, from start: Int = 0, among table: SegmentTable, _ replay: Replay
  ) throws(JournalError) {
    if let badBlock {
      try search(segment, for: badBlock, from: 0)
    } else {
      try followBlocks(of: segment, from: start, among: table, replay)
    }
  }

  /// Executes blocks up to the segment's end or to the first bad one.
  private mutating func followBlocks(
    of segment: Segment, from start: Int, among table: SegmentTable, _ replay: Replay
  ) throws(JournalError) {
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    if !isAnchored { anchor(to: bytes) }
    var offset = start
    while offset < bytes.count {
      let place = BlockPlace(segment: segment.number, offset: offset)
      switch chain.judge(bytes, at: place) {
      case .valid(let header):
        try accept(header, in: segment, among: table, replay)
        offset += header.paddedLength
      case .torn(let reason, let skip, let epoch):
        if System.isZero(UnsafeRawBufferPointer(rebasing: bytes[offset...])) { return }
        let bad = BadBlock(place: place, reason: reason)
        badBlock = bad
        tornEpoch = max(tornEpoch, epoch)
        return try search(segment, for: bad, from: offset + JournalLimits.blockAlignment, bodyEnd: offset + skip)
      case .damaged(let reason):
        throw damage(place, reason)
      case .later(let number):
        throw skipped(at: place, by: number)
      case .newerVersion(let version):
        throw .unsupportedVersion(
          file: storage.describe(segment.path), found: version, supported: BlockHeader.formatVersion)
      }
    }
  }

  private mutating func accept(
    _ header: BlockHeader, in segment: Segment, among table: SegmentTable, _ replay: Replay
  ) throws(JournalError) {
    let base = UnsafeRawPointer(segment.base)
    let digest = try execute(header, at: base, among: table, replay)
    guard digest == header.digest else {
      throw .digestMismatch(
        file: storage.describe(segment.path), block: header.number, byte: Int(header.offset),
        recorded: header.digest, computed: digest)
    }
    chain.accept(header, hash: BlockHeader.hash(at: base + Int(header.offset)))
    archive?.note(
      base + Int(header.offset), at: BlockPlace(segment: header.segment, offset: Int(header.offset)),
      number: header.number, paddedLength: header.paddedLength)
    lastBlockHasRecords = header.recordCount > 0
    lastDigest = header.digest
    lastTimestamp = header.timestamp
    endPosition = header.endPosition
    statistics.bytes += UInt64(header.paddedLength)
    guard header.number > checkpoint?.head.number ?? 0 else { return }
    statistics.blocks += 1
    statistics.records += UInt64(header.recordCount)
    statistics.executedRecords += UInt64(header.recordCount)
  }

  private func search(
    _ segment: Segment, for bad: BadBlock, from offset: Int, bodyEnd: Int = 0
  ) throws(JournalError) {
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    if let proof = chain.proofOfLoss(in: bytes, number: segment.number, from: offset, bodyEnd: bodyEnd) {
      throw damage(bad.place, "\(bad.reason), and \(proof)")
    }
  }

  /// A later block where the expected one should begin, or behind the zeros that took its place.
  private func skipped(at place: BlockPlace, by number: UInt64) -> JournalError {
    let proof = "which was written after this one was durable"
    if place == chain.resume || chain.resume.offset == journal.segmentBytes {
      return damage(place, "block \(number) stands there, \(proof)")
    }
    return damage(
      chain.resume,
      "nothing is there, and block \(number) was found at byte \(place.offset) of segment \(place.segment), \(proof)")
  }

  func damage(_ place: BlockPlace, _ reason: String) -> JournalError { .damaged(describe(place, reason)) }

  func describe(_ place: BlockPlace, _ reason: String) -> JournalDamage {
    chain.damage(at: place, reason, in: storage)
  }

  func missing(_ number: UInt32, before next: UInt32?) -> JournalError {
    let reason = next.map { "the file is missing, though segment \($0) was made after it" }
    return damage(
      BlockPlace(segment: number, offset: 0),
      reason ?? "the file is missing, though it was made before the ledger was")
  }
}
