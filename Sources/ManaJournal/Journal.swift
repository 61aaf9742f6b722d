import SystemPackage

/// One shard's journal: records are written into it once, become durable block by block, and never change again. The
/// oldest segments leave memory when there are more than it was opened for; their records are in the archive then.
///
/// It belongs to its shard's thread: every member is called there. Behind it, a writer thread brings sealed blocks to
/// the disk, a preparer thread has the next segment ready, and readers read blocks back; all call `onDurable` when the
/// loop should look.
///
/// A turn of the loop: for each batch `makeRoom`, write records at `cursor`, `append`; at the end `submit`. When
/// `onDurable` wakes the loop: `collectCompletions`, release the replies of blocks up to `durableBlockNumber`, `submit`.
public final class Journal {
  /// What `makeRoom` found.
  public enum Room: Equatable, Sendable {
    /// The bytes fit at `cursor`.
    case ready
    /// Too much is on its way to the disk, or the next segment is in the making: try again after the next `onDurable`.
    case busy
    /// There is no room on the disk for another segment, or no memory. `onDurable` is called when there is again.
    case full
  }

  /// From positions to addresses, for as long as the journal is open.
  public let segments: SegmentTable
  /// Where the next record is to be written; valid for as many bytes as `makeRoom` was last asked for.
  public private(set) var cursor: UnsafeMutableRawPointer
  /// The position of the next record.
  public private(set) var position: UInt64
  /// The newest durable block, as of the last `collectCompletions`.
  public private(set) var durableBlockNumber: UInt64
  /// Records at positions below this are durable, as of the last `collectCompletions`.
  public private(set) var durablePosition: UInt64

  let writer: BlockWriter
  let preparer: SegmentPreparer
  private let table: SegmentTableStorage
  let directory: DataDirectory
  let recovery: RecoveryStatistics
  private(set) var residents: [Segment]
  private(set) var open: OpenBlock
  /// Handed to the writer and not collected yet.
  private(set) var handed: [SealedBlock] = []
  private let residentSegmentsMax: Int
  private var lastBlockHasRecords: Bool
  private var lastNumberWithRecords: UInt64
  private var lastBlockBytes = 0
  private var threads: [UInt] = []
  private(set) var isClosed = false

  init(
    directory: DataDirectory, recovered: RecoveredJournal, table: consuming SegmentTableStorage,
    writer: BlockWriter, preparer: SegmentPreparer, residentSegmentsMax: Int = .max
  ) {
    self.residentSegmentsMax = residentSegmentsMax
    self.directory = directory
    self.writer = writer
    self.preparer = preparer
    segments = table.table
    self.table = table
    recovery = recovered.statistics
    residents = recovered.segments
    open = OpenBlock(
      segmentBytes: directory.identity.segmentBytes, segment: recovered.resume.segment,
      start: recovered.resume.offset, number: recovered.lastNumber + 1)
    durableBlockNumber = recovered.lastNumber
    durablePosition = recovered.endPosition
    lastBlockHasRecords = recovered.lastBlockHasRecords
    lastNumberWithRecords = recovered.lastNumber
    cursor = residents[residents.count - 1].base
    position = 0
    moveCursor()
  }

  deinit { release() }

  /// What is left of the segments that are not in memory; nil where all stay.
  public var archive: SegmentArchive? { segments.archive }

  /// The most bytes of records that fit one block of this journal.
  public var recordBytesPerBlockMax: Int { open.recordBytesMax }

  /// What is appended now is durable when `durableBlockNumber` has reached this.
  public var openBlockNumber: UInt64 { open.number }

  /// The newest block with records, open or not; `durableBlockNumber` reaches it when everything appended is durable.
  public var lastAppendedBlockNumber: UInt64 { open.isEmpty ? lastNumberWithRecords : open.number }

  /// True when everything appended is durable, but the last block with records is not named durable by one behind it:
  /// damage to exactly that block would look like a write nobody was told of. `submitClosingBlock` ends that.
  public var needsClosingBlock: Bool { lastBlockHasRecords && open.isEmpty && handed.isEmpty }

  public var statistics: JournalStatistics {
    var statistics = writer.statistics
    statistics.segments = residents.count
    if let archive {
      statistics.reads = archive.reader.statistics
      statistics.archiveBytes = archive.bytes
    }
    statistics.recovery = recovery
    return statistics
  }

  // MARK: Appending

  /// Makes sure that `bytes` of records (a multiple of 32, at most `recordBytesPerBlockMax`) can be written at
  /// `cursor`. Where they do not fit the open block, it is sealed and the next one opened, in the next segment if
  /// need be. When the result is not `ready`, nothing was changed. O(1).
  ///
  /// `digest` and `timestamp` are the state's after everything appended so far.
  public func makeRoom(bytes: Int, digest: UInt64, timestamp: UInt64) -> Room {
    precondition(!isClosed, "the journal is closed")
    switch open.need(for: bytes) {
    case .nothing:
      return memory(to: open.end + bytes)
    case .sealing:
      guard canHand else { return .busy }
      let room = memory(to: open.paddedEnd + JournalLimits.blockHeaderBytes + bytes)
      guard room == .ready else { return room }
      seal(digest: digest, timestamp: timestamp)
    case .rolling:
      guard open.isEmpty || canHand else { return .busy }
      // First, so that the memory is there for the segment after this one.
      evict(downTo: residentSegmentsMax - 1)
      switch preparer.take() {
      case .making: return .busy
      case .full: return .full
      case .ready(let spare):
        if !open.isEmpty { seal(digest: digest, timestamp: timestamp) }
        roll(to: spare)
      }
    }
    moveCursor()
    return .ready
  }

  /// What was written at `cursor` counts from now on: `bytes` of `records` records. O(1).
  public func append(bytes: Int, records: Int) {
    open.append(bytes: bytes, records: records)
    cursor += bytes
    position += UInt64(bytes / JournalLimits.recordAlignment)
  }

  /// The end of a turn: when nothing is on its way to the disk, what was appended goes now. Else it goes on gathering.
  public func submit(digest: UInt64, timestamp: UInt64) {
    guard !open.isEmpty, writer.durableNumber == open.number - 1 else { return }
    seal(digest: digest, timestamp: timestamp)
    moveCursor()
  }

  /// The same, but a short block is written on the calling thread, which is held up meanwhile, as long as the disk was quick
  /// the last time: `collectCompletions` finds it at once. It saves waking the writer and being woken by it, half of what
  /// a lone call takes; whoever has something else to do calls `submit`.
  public func submitAndWrite(digest: UInt64, timestamp: UInt64) {
    guard !open.isEmpty, writer.durableNumber == open.number - 1,
      open.byteLength <= JournalLimits.writtenAtOnceBytesMax,
      writer.statistics.flushNanosecondsLast <= JournalLimits.writtenAtOnceNanosecondsMax
    else { return submit(digest: digest, timestamp: timestamp) }
    writer.writeNow(sealed(digest: digest, timestamp: timestamp))
    moveCursor()
  }

  /// In the middle of a turn: when nothing is on its way to the disk and a good piece has been appended, it goes now, so
  /// that the disk works while the rest of the turn does. Else all that one turn brings is written behind it, and what
  /// its replies bring behind that: the loop and the disk would wait for each other in turn. Where blocks are long
  /// anyway, so that writing one takes longer than beginning to, nothing is done. O(1).
  public func submitAhead(digest: UInt64, timestamp: UInt64) {
    guard open.byteLength >= JournalLimits.submittedAheadBytesMin,
      lastBlockBytes < JournalLimits.submittedAheadBytesMax
    else { return }
    submit(digest: digest, timestamp: timestamp)
  }

  /// Whether a look would find something: a block has become durable since the last `collectCompletions`. O(1), without a
  /// lock.
  public var hasCompletions: Bool { writer.durableNumber > durableBlockNumber }

  /// Looks what has become durable; true when `durableBlockNumber` changed.
  public func collectCompletions() -> Bool {
    let number = writer.durableNumber
    guard number > durableBlockNumber else { return false }
    while let first = handed.first, first.number <= number {
      durablePosition = first.endPosition
      archive?.note(
        first.segment.base + first.start, at: BlockPlace(segment: first.segment.number, offset: first.start),
        number: first.number, paddedLength: BlockHeader.padded(first.byteLength))
      handed.removeFirst()
    }
    durableBlockNumber = number
    evict(downTo: residentSegmentsMax)
    return true
  }

  /// Hands over an empty block that names the last one durable, when `needsClosingBlock`. Where that takes a segment
  /// that is not ready yet, nothing happens; call again later.
  public func submitClosingBlock(digest: UInt64, timestamp: UInt64) {
    guard needsClosingBlock else { return }
    if open.end > open.segmentBytes {
      guard case .ready(let spare) = preparer.take() else { return }
      roll(to: spare)
    }
    seal(digest: digest, timestamp: timestamp)
    moveCursor()
  }

  /// Whether the open segment's memory has been touched up to `end`: writing there would be held up otherwise.
  private func memory(to end: Int) -> Room {
    let segment = residents[residents.count - 1]
    if segment.populatedBytes >= end { return .ready }
    return preparer.memory(of: segment, bytes: end)
  }

  private var canHand: Bool {
    open.number - 1 - writer.durableNumber < UInt64(JournalLimits.blocksAheadMax)
  }

  private func seal(digest: UInt64, timestamp: UInt64) { writer.hand(sealed(digest: digest, timestamp: timestamp)) }

  /// The open block, to which nothing is appended any more.
  private func sealed(digest: UInt64, timestamp: UInt64) -> SealedBlock {
    let block = SealedBlock(
      segment: residents[residents.count - 1], start: open.start, byteLength: open.byteLength,
      recordCount: open.recordCount, number: open.number, digest: digest, timestamp: timestamp)
    lastBlockHasRecords = !open.isEmpty
    if lastBlockHasRecords { lastNumberWithRecords = open.number }
    lastBlockBytes = open.byteLength
    handed.append(block)
    open.advance()
    return block
  }

  private func roll(to spare: Segment) {
    table.add(spare)
    residents.append(spare)
    open.roll()
    precondition(spare.number == open.segment, "segments follow each other")
  }

  /// Takes the oldest segments out of memory until there are `count`, as far as all their blocks are known to be durable
  /// and none can follow.
  private func evict(downTo count: Int) {
    guard residents.count > count else { return }
    let firstNeeded = handed.first?.segment.number ?? open.segment
    while residents.count > max(count, 1), residents[0].number < firstNeeded {
      let oldest = residents.removeFirst()
      table.remove(oldest)
      preparer.recycle(oldest.buffer)
    }
  }

  private func moveCursor() {
    cursor = residents[residents.count - 1].base + open.end
    position =
      (UInt64(open.segment) * UInt64(open.segmentBytes) + UInt64(open.end)) / UInt64(JournalLimits.recordAlignment)
  }

  // MARK: The end

  /// Starts the threads behind the journal. Without it, a test drives the writer, the preparer and the reader itself.
  func startThreads(shard: Int) throws(JournalError) {
    let writer = writer
    let preparer = preparer
    try startThread("mana-write-\(shard)") { writer.run() }
    try startThread("mana-spare-\(shard)") { preparer.run() }
    guard let reader = archive?.reader else { return }
    for _ in 0..<JournalLimits.readersMax { try startThread("mana-read-\(shard)") { reader.run() } }
  }

  private func startThread(_ name: String, _ run: @escaping @Sendable () -> Void) throws(JournalError) {
    let thread = try JournalError.naming("start", "thread \(name)") { () throws(Errno) in
      try System.startThread(named: name, run)
    }
    threads.append(thread)
  }

  /// Brings everything appended to the disk, names the last block durable, ends the threads and gives the memory back:
  /// pointers into segments, and `segments` itself, are dead afterwards. `onDurable` may be called until this returns,
  /// not later. Does nothing the second time. After a failed write nothing more is written.
  public func close(digest: UInt64, timestamp: UInt64) {
    guard !isClosed else { return }
    _ = settle(digest: digest, timestamp: timestamp)
    release()
  }

  /// Brings everything appended to the disk and names the last block durable, and leaves the journal open. False after a
  /// failed write: nothing more is written.
  public func settle(digest: UInt64, timestamp: UInt64) -> Bool {
    precondition(!isClosed, "the journal is closed")
    if !open.isEmpty { seal(digest: digest, timestamp: timestamp) }
    guard drain() else { return false }
    _ = collectCompletions()
    if needsClosingBlock, open.end <= open.segmentBytes || waitForSpare() {
      submitClosingBlock(digest: digest, timestamp: timestamp)
      guard drain() else { return false }
    }
    _ = collectCompletions()
    return true
  }

  private func drain() -> Bool {
    if threads.isEmpty { while writer.step() {} }
    return writer.drain()
  }

  private func waitForSpare() -> Bool { threads.isEmpty ? preparer.step() : preparer.settle() }

  /// Ends the threads and frees the memory, and writes nothing: all that happens to a journal nobody closed.
  private func release() {
    guard !isClosed else { return }
    isClosed = true
    writer.stop()
    preparer.stop()
    archive?.reader.stop()
    for thread in threads { System.join(thread) }
    threads = []
    residents = []
  }
}
