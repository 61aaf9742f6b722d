import SystemPackage

/// A block that is to be read back: where it stands, and what tells that it is the right one.
struct WantedBlock: Equatable, Sendable {
  let number: UInt64
  let place: BlockPlace
  let paddedLength: Int
  let checksum: UInt32
}

/// The beginning of a record that is to be read, from a segment whose blocks were durable.
struct WantedStart: Sendable {
  let position: UInt64
  let segmentBytes: Int
  let bytes: Int

  var segment: UInt32 { UInt32(Int(position) * JournalLimits.recordAlignment / segmentBytes) }
  var offset: Int { Int(position) * JournalLimits.recordAlignment % segmentBytes }
}

/// The first bytes of a record as they stand on the disk: nothing says that they are what was written there.
public struct RecordStart: Sendable {
  public let position: UInt64
  public let result: Result<[UInt8], JournalError>
}

/// A block that was read back and has its hash.
final class ArchivedBlock: @unchecked Sendable {
  // Unchecked: its bytes do not change once it was made.
  let number: UInt64
  /// Mapped for this block alone: the allocator keeps what several threads give back, and more of it the longer they run.
  private let memory: SegmentMemory
  /// Of its first byte, counted through all segments.
  private let address: Int

  fileprivate init(_ wanted: WantedBlock, segmentBytes: Int) throws(JournalError) {
    number = wanted.number
    address = Int(wanted.place.segment) * segmentBytes + wanted.place.offset
    memory = try SegmentMemory(bytes: wanted.paddedLength)
  }

  fileprivate var buffer: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: memory.base, count: memory.bytes)
  }
  /// What it takes, rounded up to what the system gives.
  var memoryBytes: Int { (memory.bytes + JournalLimits.pageBytes - 1) & -JournalLimits.pageBytes }

  func pointer(at position: UInt64) -> UnsafeRawPointer {
    UnsafeRawPointer(memory.base + (Int(position) * JournalLimits.recordAlignment - address))
  }
}

/// Reads blocks back, past the page cache, and compares their hashes; and beginnings of records, as they are. It runs on
/// threads of its own (`run`), or a test drives it (`step`).
final class BlockReader: Sendable {
  private struct State {
    var waiting: [Wanted] = []
    var done: [BlockRead] = []
    var doneStarts: [RecordStart] = []
    var isStopping = false
    var statistics = ReadStatistics()
  }

  private enum Wanted: Sendable {
    case block(WantedBlock)
    case start(WantedStart)
  }

  private let state = Monitor(State())
  private let storage: any Storage
  private let journal: JournalIdentity
  private let onRead: @Sendable () -> Void

  init(storage: any Storage, journal: JournalIdentity, onRead: @escaping @Sendable () -> Void) {
    self.storage = storage
    self.journal = journal
    self.onRead = onRead
  }

  // MARK: The loop's side

  func ask(for block: WantedBlock) { state.update { $0.waiting.append(.block(block)) } }
  func ask(for start: WantedStart) { state.update { $0.waiting.append(.start(start)) } }

  func takeDone() -> [BlockRead] {
    state.withLock { state in
      let done = state.done
      state.done = []
      return done
    }
  }

  func takeStarts() -> [RecordStart] {
    state.withLock { state in
      let done = state.doneStarts
      state.doneStarts = []
      return done
    }
  }

  var hasWork: Bool { state.withLock { !$0.waiting.isEmpty } }
  var statistics: ReadStatistics { state.withLock { $0.statistics } }

  /// Ends `run` after what is being read.
  func stop() { state.update { $0.isStopping = true } }

  // MARK: The readers' side

  /// The body of a reader's thread.
  func run() {
    while let wanted = state.wait(for: { Self.next(of: &$0) }) { perform(wanted) }
  }

  /// Reads what is wanted next on the caller's thread; false when nothing is.
  func step() -> Bool {
    guard let wanted = state.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) else { return false }
    perform(wanted)
    return true
  }

  private static func next(of state: inout State) -> Wanted?? {
    if state.isStopping { return .some(nil) }
    return state.waiting.isEmpty ? nil : .some(state.waiting.removeFirst())
  }

  private func perform(_ wanted: Wanted) {
    switch wanted {
    case .block(let block):
      let read = read(block)
      state.withLock { $0.done.append(read) }
    case .start(let start):
      let read = read(start)
      state.withLock { $0.doneStarts.append(read) }
    }
    onRead()
  }

  /// Reads the sectors that hold the beginning of a record, on the caller's thread.
  func read(_ wanted: WantedStart) -> RecordStart {
    let begin = System.monotonicNanoseconds()
    let first = wanted.offset & -JournalLimits.blockAlignment
    let end = (wanted.offset + wanted.bytes + JournalLimits.blockAlignment - 1) & -JournalLimits.blockAlignment
    let sectors = UnsafeMutableRawBufferPointer.allocate(byteCount: end - first, alignment: JournalLimits.pageBytes)
    defer { sectors.deallocate() }
    let path = Segment.path(shard: journal.shard, segment: wanted.segment)
    let result: Result<[UInt8], JournalError>
    do throws(JournalError) {
      try JournalError.naming("read", storage.describe(path)) { () throws(Errno) in
        try storage.open(path).read(into: sectors, at: first)
      }
      result = .success(Array(sectors[(wanted.offset - first)...].prefix(wanted.bytes)))
    } catch {
      result = .failure(error)
    }
    let nanoseconds = System.monotonicNanoseconds() - begin
    state.withLock { state in
      state.statistics.starts += 1
      state.statistics.bytes += UInt64(end - first)
      state.statistics.nanosecondsTotal += nanoseconds
      if case .failure = result { state.statistics.failures += 1 }
    }
    return RecordStart(position: wanted.position, result: result)
  }

  /// Reads a block and judges it, on the caller's thread. O(bytes of the block).
  func read(_ wanted: WantedBlock) -> BlockRead {
    let begin = System.monotonicNanoseconds()
    let result: Result<ArchivedBlock, JournalError>
    do throws(JournalError) {
      result = .success(try load(wanted))
    } catch {
      result = .failure(error)
    }
    let nanoseconds = System.monotonicNanoseconds() - begin
    state.withLock { state in
      state.statistics.blocks += 1
      state.statistics.bytes += UInt64(wanted.paddedLength)
      state.statistics.nanosecondsTotal += nanoseconds
      if case .failure = result { state.statistics.failures += 1 }
    }
    return BlockRead(wanted: wanted, segmentBytes: journal.segmentBytes, result: result)
  }

  private func load(_ wanted: WantedBlock) throws(JournalError) -> ArchivedBlock {
    let path = Segment.path(shard: journal.shard, segment: wanted.place.segment)
    let name = storage.describe(path)
    let block = try ArchivedBlock(wanted, segmentBytes: journal.segmentBytes)
    try JournalError.naming("read", name) { () throws(Errno) in
      try storage.open(path).read(into: block.buffer, at: wanted.place.offset)
    }
    if let reason = Self.fault(in: UnsafeRawBufferPointer(block.buffer), wanted) {
      throw .damaged(
        JournalDamage(file: name, block: wanted.number, byte: wanted.place.offset, reason: reason))
    }
    return block
  }

  /// Why these bytes are not the block that was durable there; nil when they are.
  private static func fault(in bytes: UnsafeRawBufferPointer, _ wanted: WantedBlock) -> String? {
    guard let base = bytes.baseAddress, let header = BlockHeader(at: base) else {
      return "no block header there, and the block was durable"
    }
    guard BlockHeader.checksumField(of: base) == wanted.checksum, header.number == wanted.number,
      header.segment == wanted.place.segment, Int(header.offset) == wanted.place.offset,
      header.paddedLength == bytes.count
    else { return "another block than the one that was durable stands there" }
    let body = UnsafeRawBufferPointer(rebasing: bytes[JournalLimits.blockHeaderBytes...])
    return Hash128(of: body) == header.bodyHash ? nil : "the body does not have its hash, and the block was durable"
  }
}
