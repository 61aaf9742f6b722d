// Reading a journal back. The one rule: what anyone was told of is there, or the start is refused.
//
// `JournalReader` reads and judges. What it finds damaged is refused, and nothing is changed; a torn tail, which nobody
// was told of, is overwritten with zeros, synced, and a new epoch begins.
//
// Nothing is written before all segments were read.

import SystemPackage

struct Recovery {
  private let storage: any Storage
  private let directory: String
  private var reader: JournalReader
  /// Those in memory.
  private var segments: [Segment] = []
  private var buffers: [SegmentBuffer] = []
  private let residentSegmentsMax: Int
  private var cutBytes = 0

  /// Of the segments before the last block, `residentSegmentsMax` stay in memory; the others are in `archive`.
  init(
    storage: any Storage, journal: JournalIdentity, archive: SegmentArchive? = nil, residentSegmentsMax: Int = .max
  ) {
    self.storage = storage
    self.residentSegmentsMax = residentSegmentsMax
    reader = JournalReader(storage: storage, journal: journal, archive: archive)
    directory = reader.directory
  }

  /// Reads everything, adding each segment to `table` before a block of it is executed. Behind a checkpoint, only what is to
  /// be in memory, and what the checkpoint does not have.
  mutating func run(
    into table: borrowing SegmentTableStorage, behind checkpoint: RestoredCheckpoint? = nil,
    compared: @escaping (Int) -> Void, replay: JournalReader.Replay
  ) throws(JournalError) -> RecoveredJournal {
    reader.onCompared = compared
    let (numbers, temporaries) = try reader.listSegments()
    if let checkpoint {
      let before = Int(checkpoint.head.resume.segment) + 1
      reader.begin(behind: checkpoint, atSegment: UInt32(before - min(max(residentSegmentsMax, 1), before)))
      try reader.checkUnread(numbers, of: checkpoint)
    }
    for number in numbers.dropFirst(reader.segmentCount) {
      let segment = try reader.load(number, into: buffers.popLast())
      segments.append(segment)
      table.add(segment)
      try reader.follow(segment, among: table.table, replay)
      evict(from: table)
    }
    try reader.checkNotEmpty()
    try reader.checkReachedCheckpoint()
    let (epoch, isExhausted) = reader.epochMax.addingReportingOverflow(1)
    if isExhausted { throw .epochsExhausted(directory: storage.describe(directory)) }
    // Everything is known: from here on the disk is changed.
    for name in temporaries { try remove("\(directory)/\(name)") }
    if reader.badBlock != nil { try cutTail() }
    try settle()
    var statistics = reader.statistics
    statistics.cutBytes = cutBytes
    let chain = reader.chain
    let used = index(of: chain.resume.segment) + 1
    return RecoveredJournal(
      segments: Array(segments[..<used]), spares: Array(segments[used...]), buffers: buffers, resume: chain.resume,
      epoch: epoch, term: chain.lastTerm, lastNumber: chain.lastNumber, lastHash: chain.lastHash,
      lastBlockHasRecords: reader.lastBlockHasRecords, endPosition: reader.endPosition, statistics: statistics)
  }

  /// Takes the oldest segments out of memory that are too many. Those behind the last block do not count: they may have to
  /// be changed, or are the spares.
  private mutating func evict(from table: borrowing SegmentTableStorage) {
    let last = reader.chain.resume.segment
    while let oldest = segments.first, oldest.number < last, index(of: last) + 1 > residentSegmentsMax {
      table.remove(oldest)
      buffers.append(oldest.buffer)
      segments.removeFirst()
    }
  }

  private func index(of number: UInt32) -> Int { Int(number) - Int(segments[0].number) }

  private func remove(_ path: String) throws(JournalError) {
    try JournalError.naming("remove", storage.describe(path)) { () throws(Errno) in try storage.remove(path) }
  }

  // MARK: The end of the journal

  /// Overwrites everything behind the last good block with zeros, on the disk and in memory.
  private mutating func cutTail() throws(JournalError) {
    let resume = reader.chain.resume
    for segment in segments[index(of: resume.segment)...] {
      let start = segment.number == resume.segment ? resume.offset : 0
      guard let range = nonzeroSectors(of: segment, from: start) else { continue }
      let rest = UnsafeMutableRawBufferPointer(rebasing: segment.bytes[range])
      System.zero(rest)
      try JournalError.naming("cut the torn tail of", storage.describe(segment.path)) { () throws(Errno) in
        try segment.file.write(UnsafeRawBufferPointer(rest), at: range.lowerBound)
        try segment.file.sync()
      }
      cutBytes += range.count
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
    let segment = segments[index(of: reader.chain.resume.segment)]
    try JournalError.naming("sync", storage.describe(segment.path)) { () throws(Errno) in try segment.file.sync() }
    try JournalError.naming("sync the directory", storage.describe(directory)) { () throws(Errno) in
      try storage.syncDirectory(directory)
    }
  }
}
