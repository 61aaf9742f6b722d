// Reading a journal back. The one rule: what anyone was told of is there, or the start is refused.
//
// Segments are read in order, past the page cache (after a failed sync it shows bytes that the disk does not have),
// straight into the memory they will live in. Blocks are judged one after the other (`BlockCheck.swift`), executed by
// `replay`, and the digest of the state is compared. The first bad block at n:
//
//   1. The rest of its segment is zeros: the block may stand at the beginning of the next segment, or nowhere.
//   2. Else everything behind it, in this and all later segments, is searched once for a proof that n had been
//      acknowledged. Found: refuse, and change nothing. Not found: a torn tail, which nobody was told of.
//   3. The torn tail is overwritten with zeros, synced, and a new epoch begins.
//
// Nothing is written before all segments were read.

import SystemPackage

struct Recovery {
  typealias Replay = (borrowing RecoveredBlock) throws(JournalError) -> UInt64

  private struct BadBlock {
    let place: BlockPlace
    let reason: String
  }

  private let storage: any Storage
  private let journal: JournalIdentity
  private let directory: String
  private var chain: ChainEnd
  private var segments: [Segment] = []
  private var resident: SegmentTable?
  private var badBlock: BadBlock?
  /// The newest epoch seen, that of a torn header included.
  private var epochMax: UInt32 = 0
  private var lastBlockHasRecords = false
  private var endPosition: UInt64 = 0
  private var statistics = RecoveryStatistics()

  init(storage: any Storage, journal: JournalIdentity) {
    self.storage = storage
    self.journal = journal
    directory = Segment.directory(shard: journal.shard)
    chain = ChainEnd(journal: journal)
  }

  /// Reads everything, adding each segment to `table` before a block of it is executed.
  mutating func run(
    into table: borrowing SegmentTableStorage, replay: Replay
  ) throws(JournalError) -> RecoveredJournal {
    resident = table.table
    let begin = System.monotonicNanoseconds()
    let (numbers, temporaries) = try listSegments()
    for (index, number) in numbers.enumerated() {
      guard Int(number) == index else { throw missing(UInt32(index), before: number) }
      let segment = try read(number)
      segments.append(segment)
      table.add(segment)
      if badBlock == nil {
        try follow(segment, replay)
      } else {
        try search(segment, from: 0)
      }
    }
    guard !segments.isEmpty else { throw missing(0, before: nil) }
    // Everything is known: from here on the disk is changed.
    for name in temporaries { try remove("\(directory)/\(name)") }
    if badBlock != nil { try cutTail() }
    try settle()
    statistics.nanoseconds = System.monotonicNanoseconds() - begin
    let used = Int(chain.resume.segment) + 1
    return RecoveredJournal(
      segments: Array(segments[..<used]), spares: Array(segments[used...]), resume: chain.resume,
      epoch: max(epochMax, chain.lastEpoch) + 1, lastNumber: chain.lastNumber, lastHash: chain.lastHash,
      lastBlockHasRecords: lastBlockHasRecords, endPosition: endPosition, statistics: statistics)
  }

  // MARK: Files

  private func listSegments() throws(JournalError) -> (numbers: [UInt32], temporaries: [String]) {
    let names: [String]
    do {
      names = try storage.names(in: directory)
    } catch .noSuchFileOrDirectory {
      throw .shardMissing(directory: storage.describe(directory))
    } catch {
      throw .system(operation: "list", file: storage.describe(directory), code: error)
    }
    return (names.compactMap(Segment.number(in:)).sorted(), names.filter { $0.hasSuffix(Segment.temporarySuffix) })
  }

  private func read(_ number: UInt32) throws(JournalError) -> Segment {
    let path = Segment.path(shard: journal.shard, segment: number)
    let name = storage.describe(path)
    let file = try JournalError.naming("open", name) { () throws(Errno) in try storage.open(path) }
    let size = try JournalError.naming("measure", name) { () throws(Errno) in try file.size() }
    guard size == journal.segmentBytes else {
      throw damage(
        BlockPlace(segment: number, offset: min(size, journal.segmentBytes)),
        "the file has \(size) bytes instead of \(journal.segmentBytes), and no crash changes a segment's length")
    }
    let segment = Segment(number: number, path: path, file: file, memory: try SegmentMemory(bytes: size))
    try JournalError.naming("read", name) { () throws(Errno) in
      for offset in stride(from: 0, to: size, by: JournalLimits.readPieceBytes) {
        let piece = segment.bytes[offset..<min(offset + JournalLimits.readPieceBytes, size)]
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: piece), at: offset)
      }
    }
    return segment
  }

  private func remove(_ path: String) throws(JournalError) {
    try JournalError.naming("remove", storage.describe(path)) { () throws(Errno) in try storage.remove(path) }
  }

  // MARK: Blocks

  /// Executes the blocks of a segment up to its end or to the first bad one.
  private mutating func follow(_ segment: Segment, _ replay: Replay) throws(JournalError) {
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    var offset = 0
    while offset < bytes.count {
      let place = BlockPlace(segment: segment.number, offset: offset)
      switch chain.judge(bytes, at: place) {
      case .valid(let header):
        try accept(header, in: segment, replay)
        offset += header.paddedLength
      case .torn(let reason, let skip, let epoch):
        if System.isZero(UnsafeRawBufferPointer(rebasing: bytes[offset...])) { return }
        badBlock = BadBlock(place: place, reason: reason)
        epochMax = max(epochMax, epoch)
        return try search(segment, from: offset + JournalLimits.blockAlignment, bodyEnd: offset + skip)
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

  private mutating func accept(_ header: BlockHeader, in segment: Segment, _ replay: Replay) throws(JournalError) {
    let base = UnsafeRawPointer(segment.base)
    let digest = try replay(RecoveredBlock(header, at: base, among: resident!))
    guard digest == header.digest else {
      throw .digestMismatch(
        file: storage.describe(segment.path), block: header.number, byte: Int(header.offset),
        recorded: header.digest, computed: digest)
    }
    chain.accept(header, hash: BlockHeader.hash(at: base + Int(header.offset)))
    lastBlockHasRecords = header.recordCount > 0
    endPosition =
      header.firstPosition
      + UInt64((Int(header.byteLength) - JournalLimits.blockHeaderBytes) / JournalLimits.recordAlignment)
    statistics.blocks += 1
    statistics.records += UInt64(header.recordCount)
    statistics.bytes += UInt64(header.paddedLength)
  }

  private func search(_ segment: Segment, from offset: Int, bodyEnd: Int = 0) throws(JournalError) {
    guard let badBlock else { return }
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    if let proof = chain.proofOfLoss(in: bytes, number: segment.number, from: offset, bodyEnd: bodyEnd) {
      throw damage(badBlock.place, "\(badBlock.reason), and \(proof)")
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

  private func damage(_ place: BlockPlace, _ reason: String) -> JournalError {
    let path = Segment.path(shard: journal.shard, segment: place.segment)
    return .damaged(
      JournalDamage(
        file: storage.describe(path), block: chain.expectedNumber, byte: place.offset, reason: reason))
  }

  private func missing(_ number: UInt32, before next: UInt32?) -> JournalError {
    let reason = next.map { "the file is missing, though segment \($0) was made after it" }
    return damage(
      BlockPlace(segment: number, offset: 0),
      reason ?? "the file is missing, though it was made before the ledger was")
  }

  // MARK: The end of the journal

  /// Overwrites everything behind the last good block with zeros, on the disk and in memory.
  private mutating func cutTail() throws(JournalError) {
    for segment in segments[Int(chain.resume.segment)...] {
      let start = segment.number == chain.resume.segment ? chain.resume.offset : 0
      guard let range = nonzeroSectors(of: segment, from: start) else { continue }
      let rest = UnsafeMutableRawBufferPointer(rebasing: segment.bytes[range])
      System.zero(rest)
      try JournalError.naming("cut the torn tail of", storage.describe(segment.path)) { () throws(Errno) in
        try segment.file.write(UnsafeRawBufferPointer(rest), at: range.lowerBound)
        try segment.file.sync()
      }
      statistics.cutBytes += range.count
    }
  }

  /// From the first sector behind `start` that is not all zeros to the last one.
  private func nonzeroSectors(of segment: Segment, from start: Int) -> Range<Int>? {
    let sector = JournalLimits.blockAlignment
    let bytes = UnsafeRawBufferPointer(segment.bytes)
    let offsets = stride(from: start, to: bytes.count, by: sector).lazy.filter { offset in
      !System.isZero(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + sector]))
    }
    var range: Range<Int>?
    for offset in offsets { range = (range?.lowerBound ?? offset)..<offset + sector }
    return range
  }

  /// Makes durable what was read: the last block may be in a device's cache only, when the process that wrote it was
  /// killed before its sync, and the names of segments likewise.
  private func settle() throws(JournalError) {
    let segment = segments[Int(chain.resume.segment)]
    try JournalError.naming("sync", storage.describe(segment.path)) { () throws(Errno) in try segment.file.sync() }
    try JournalError.naming("sync the directory", storage.describe(directory)) { () throws(Errno) in
      try storage.syncDirectory(directory)
    }
  }
}
