// What is left in memory of segments that are not: where their blocks stand, and the blocks read back lately.
//
// A record's block is read whole, because only whole it has a hash to be compared. What says that it is the block that
// was written there, and not an older or another one, is its header's checksum, which covers every field of the header,
// the body's hash among them: it was noted when the block was durable, or when recovery had found it whole.
//
// Who can tell by the first bytes of a record that it is not the one that is looked for may read these alone.

import SystemPackage

/// A block's place in its segment, and which one it is: eight bytes a block.
struct BlockMark: Equatable {
  let start: UInt32
  /// Of the header.
  let checksum: UInt32
}

/// The blocks of one segment, in order, without a gap between them.
struct SegmentMarks {
  private(set) var firstNumber: UInt64 = 0
  private(set) var marks: [BlockMark] = []
  /// Behind the last one.
  private(set) var end = 0

  init() {}

  init(firstNumber: UInt64, marks: [BlockMark], end: Int) {
    self.firstNumber = firstNumber
    self.marks = marks
    self.end = end
  }

  /// Of the last block.
  var lastNumber: UInt64 { firstNumber + UInt64(marks.count) - 1 }

  /// Notes the block behind the last one.
  mutating func add(_ mark: BlockMark, number: UInt64, paddedLength: Int) {
    if marks.isEmpty { firstNumber = number }
    precondition(Int(mark.start) == end && number == firstNumber + UInt64(marks.count), "blocks follow each other")
    marks.append(mark)
    end += paddedLength
  }

  /// No block follows: memory that was kept for more is given back.
  mutating func seal() { marks = marks.withUnsafeBufferPointer { Array($0) } }

  /// The index of the block that a byte belongs to. O(log n) in the blocks.
  func index(of byte: Int) -> Int? {
    guard byte < end else { return nil }
    var low = 0
    var high = marks.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(marks[middle].start) <= byte { low = middle } else { high = middle }
    }
    return low
  }

  /// Where a block ends.
  func end(of index: Int) -> Int { index + 1 < marks.count ? Int(marks[index + 1].start) : end }
}

/// The blocks of segments that are not in memory, read back one by one. It belongs to its shard's thread; the reading is
/// done by others (`BlockReader`).
///
/// `pointer(at:)` looks whether a record's block is at hand. If not, `fetch` asks for it, the journal's `onDurable` is
/// called when it has come, and `collect` says what has.
public final class SegmentArchive {
  private let journal: JournalIdentity
  let reader: BlockReader
  /// By segment number.
  private var segments: [SegmentMarks] = []
  var marks: [SegmentMarks] { segments }
  private var cache = BlockCache()
  /// Numbers of the blocks that were asked for and have not come.
  private var underWay: Set<UInt64> = []
  /// Positions of the records whose beginnings were asked for and have not come.
  private var startsUnderWay: Set<UInt64> = []
  /// Where the beginning of a record lies that was read at once.
  private let startAtOnce = UnsafeMutableRawBufferPointer.allocate(
    byteCount: JournalLimits.startBytesMax, alignment: JournalLimits.recordAlignment)
  private var marksCount = 0

  /// Reads what is not at hand at once, holding up its caller: while a journal is opened, when nobody waits yet, and for
  /// tests. What was found lately stays where it is, for as many blocks as the cache holds.
  package var readsAtOnce = false
  /// Why the last block could not be read that was read at once.
  public private(set) var failure: JournalError?

  init(storage: any Storage, journal: JournalIdentity, onRead: @escaping @Sendable () -> Void) {
    self.journal = journal
    reader = BlockReader(storage: storage, journal: journal, onRead: onRead)
  }

  deinit { startAtOnce.deallocate() }

  // MARK: What is there

  /// Bytes of memory that it takes, the blocks at hand included.
  var bytes: Int { marksCount * MemoryLayout<BlockMark>.stride + cache.bytes }

  /// Takes over what a checkpoint knows of the first segments. Nothing was noted before.
  func begin(with marks: [SegmentMarks]) {
    precondition(segments.isEmpty, "the first segments come first")
    segments = marks
    marksCount = marks.reduce(0) { $0 + $1.marks.count }
  }

  /// Notes a block that is durable, behind all that were noted before; `header` is where its header lies.
  func note(_ header: UnsafeRawPointer, at place: BlockPlace, number: UInt64, paddedLength: Int) {
    while segments.count <= Int(place.segment) {
      if !segments.isEmpty { segments[segments.count - 1].seal() }
      segments.append(SegmentMarks())
    }
    let mark = BlockMark(start: UInt32(place.offset), checksum: BlockHeader.checksumField(of: header))
    segments[Int(place.segment)].add(mark, number: number, paddedLength: paddedLength)
    marksCount += 1
  }

  // MARK: Reading

  /// Where a copy of the record at `position` lies, if its block is at hand: until the next `collect`. O(log n) in the
  /// blocks of its segment.
  ///
  /// - Precondition: A record that was durable when its segment left memory.
  public func pointer(at position: UInt64) -> UnsafeRawPointer? {
    let wanted = block(at: position)
    if let found = cache.find(wanted.number) { return found.pointer(at: position) }
    guard readsAtOnce else { return nil }
    let read = reader.read(wanted)
    switch read.result {
    case .success(let block):
      cache.add(block)
      return block.pointer(at: position)
    case .failure(let error):
      failure = error
      return nil
    }
  }

  /// Asks for the block of a record, unless that was done already. Never waits.
  public func fetch(_ position: UInt64) {
    let wanted = block(at: position)
    if underWay.insert(wanted.number).inserted { reader.ask(for: wanted) }
  }

  /// Takes what has come since the last call. What is at hand changes here alone.
  public func collect() -> [BlockRead] {
    guard !underWay.isEmpty else { return [] }
    let reads = reader.takeDone()
    for read in reads {
      underWay.remove(read.wanted.number)
      if case .success(let block) = read.result { cache.add(block) }
    }
    return reads
  }

  // MARK: Reading beginnings

  /// Where a copy of the first `bytes` bytes of the record at `position` lies, if its block is at hand, or while this
  /// reads at once: then of what stands on the disk, until the next call.
  public func start(of position: UInt64, bytes: Int) -> UnsafeRawPointer? {
    if let found = cache.find(block(at: position).number) { return found.pointer(at: position) }
    guard readsAtOnce else { return nil }
    guard case .success(let start) = reader.read(wantedStart(of: position, bytes: bytes)).result else {
      // Reading the block says what is wrong.
      return pointer(at: position)
    }
    startAtOnce.copyBytes(from: start)
    return UnsafeRawPointer(startAtOnce.baseAddress)
  }

  /// Asks for the first `bytes` bytes of a record, unless that was done already. Never waits.
  public func fetchStart(of position: UInt64, bytes: Int) {
    guard startsUnderWay.insert(position).inserted else { return }
    reader.ask(for: wantedStart(of: position, bytes: bytes))
  }

  /// Takes the beginnings that have come since the last call.
  public func collectStarts() -> [RecordStart] {
    guard !startsUnderWay.isEmpty else { return [] }
    let reads = reader.takeStarts()
    for read in reads { startsUnderWay.remove(read.position) }
    return reads
  }

  private func wantedStart(of position: UInt64, bytes: Int) -> WantedStart {
    precondition(bytes <= JournalLimits.startBytesMax, "at most \(JournalLimits.startBytesMax) bytes of a record")
    return WantedStart(position: position, segmentBytes: journal.segmentBytes, bytes: bytes)
  }

  private func block(at position: UInt64) -> WantedBlock {
    let address = Int(position) * JournalLimits.recordAlignment
    let number = address / journal.segmentBytes
    let marks = segments[number]
    guard let index = marks.index(of: address % journal.segmentBytes) else {
      preconditionFailure("position \(position) is not in a block that was durable")
    }
    let mark = marks.marks[index]
    return WantedBlock(
      number: marks.firstNumber + UInt64(index),
      place: BlockPlace(segment: UInt32(number), offset: Int(mark.start)),
      paddedLength: marks.end(of: index) - Int(mark.start), checksum: mark.checksum)
  }
}

/// What came of reading a block back.
public struct BlockRead: Sendable {
  let wanted: WantedBlock
  let segmentBytes: Int
  let result: Result<ArchivedBlock, JournalError>

  /// Why it could not be read: a failure of the disk, or damage to what was durable; nil when it was.
  public var failure: JournalError? {
    if case .failure(let error) = result { return error }
    return nil
  }

  /// Whether the record at a position is in it.
  public func contains(_ position: UInt64) -> Bool {
    let byte = Int(position) * JournalLimits.recordAlignment
    let start = Int(wanted.place.segment) * segmentBytes + wanted.place.offset
    return byte >= start && byte < start + wanted.paddedLength
  }

  /// Where a record of it lies, as long as this is kept; nil when it could not be read.
  public func pointer(at position: UInt64) -> UnsafeRawPointer? {
    guard case .success(let block) = result else { return nil }
    return block.pointer(at: position)
  }
}

/// Blocks that were read back, those used last, within a limit of memory.
struct BlockCache {
  private struct Entry {
    let block: ArchivedBlock
    var lastUse: UInt64
  }

  private var entries: [UInt64: Entry] = [:]
  private var clock: UInt64 = 0
  private(set) var bytes = 0

  mutating func find(_ number: UInt64) -> ArchivedBlock? {
    clock += 1
    guard let index = entries.index(forKey: number) else { return nil }
    entries.values[index].lastUse = clock
    return entries.values[index].block
  }

  /// Adds a block. Past the limit those go that were not used for the longest time, a quarter of all at once, so that
  /// looking for them costs little a block.
  mutating func add(_ block: ArchivedBlock) {
    guard entries[block.number] == nil else { return }
    clock += 1
    entries[block.number] = Entry(block: block, lastUse: clock)
    bytes += block.memoryBytes
    guard bytes > JournalLimits.cacheBytesMax else { return }
    for entry in entries.values.sorted(by: { $0.lastUse < $1.lastUse }) {
      if bytes <= JournalLimits.cacheBytesMax / 4 * 3 { break }
      bytes -= entry.block.memoryBytes
      entries[entry.block.number] = nil
    }
  }
}
