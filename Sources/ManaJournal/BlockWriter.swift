import SystemPackage
import Synchronization

/// The writer: takes one sealed block after the other, completes its header, writes it, syncs it, says so.
///
/// `CommitQueue` decides, this performs. It runs on its own thread (`run`), or a test drives it (`step`).
final class BlockWriter: Sendable {
  private struct State {
    var queue: CommitQueue
    var previousHash: Hash128
    var statistics = JournalStatistics()
    var isStopping = false
  }

  private let state: Monitor<State>
  private let storage: any Storage
  let journal: JournalIdentity
  private let epoch: UInt32
  private let term: UInt64
  private let onDurable: @Sendable () -> Void
  private let onFailure: @Sendable (JournalFailure) -> Void
  /// The number of the newest durable block; what the loop may look at without a lock.
  private let durable: Atomic<UInt64>

  init(
    storage: any Storage, journal: JournalIdentity, epoch: UInt32, term: UInt64, durableNumber: UInt64,
    previousHash: Hash128, onDurable: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void
  ) {
    self.storage = storage
    self.journal = journal
    self.epoch = epoch
    self.term = term
    self.onDurable = onDurable
    self.onFailure = onFailure
    durable = Atomic(durableNumber)
    state = Monitor(State(queue: CommitQueue(durableNumber: durableNumber), previousHash: previousHash))
  }

  // MARK: The loop's side

  var durableNumber: UInt64 { durable.load(ordering: .acquiring) }
  var hasFailed: Bool { state.withLock { $0.queue.hasFailed } }
  var hasWork: Bool { state.withLock { !$0.queue.hasFailed && !$0.queue.waiting.isEmpty } }
  /// Of the newest durable block's header.
  var lastHash: Hash128 { state.withLock { $0.previousHash } }
  var statistics: JournalStatistics { state.withLock { $0.statistics } }

  func hand(_ block: SealedBlock) { state.update { $0.queue.add(block) } }

  /// Waits until everything handed over is durable; false when that will never be.
  func drain() -> Bool {
    state.wait { state in
      if state.queue.hasFailed || (state.isStopping && !state.queue.isDrained) { return false }
      return state.queue.isDrained ? true : nil
    }
  }

  /// Ends `run` after the block on its way to the disk; what waits behind it stays unwritten.
  func stop() { state.update { $0.isStopping = true } }

  // MARK: The writer's side

  /// The body of the writer's thread.
  func run() {
    while let (block, previousHash) = nextBlock() { write(block, after: previousHash) }
  }

  /// Writes the next block on the caller's thread; false when there is none.
  func step() -> Bool {
    guard let (block, previousHash) = state.withLock({ Self.next(of: &$0) }) else { return false }
    write(block, after: previousHash)
    return true
  }

  private func nextBlock() -> (SealedBlock, Hash128)? {
    state.wait { state -> (SealedBlock, Hash128)?? in
      if state.isStopping { return .some(nil) }
      return Self.next(of: &state).map { .some($0) }
    }
  }

  private static func next(of state: inout State) -> (SealedBlock, Hash128)? {
    guard let block = state.queue.next() else { return nil }
    return (block, state.previousHash)
  }

  private func write(_ block: SealedBlock, after previousHash: Hash128) {
    let begin = System.monotonicNanoseconds()
    let hash = complete(block, after: previousHash)
    let bytes = UnsafeRawBufferPointer(
      rebasing: block.segment.bytes[block.start..<block.start + BlockHeader.padded(block.byteLength)])
    do {
      try block.segment.file.write(bytes, at: block.start)
    } catch {
      return fail("write", block, error)
    }
    do {
      try block.segment.file.sync()
    } catch {
      return fail("sync", block, error)
    }
    let nanoseconds = System.monotonicNanoseconds() - begin
    state.update { state in
      state.queue.complete()
      // Before anyone who waits for the queue can look: who sees it drained must see this, too.
      durable.store(block.number, ordering: .releasing)
      state.previousHash = hash
      state.statistics.count(block, bytes: bytes.count, nanoseconds: nanoseconds)
    }
    onDurable()
  }

  /// Fills in the header and zeroes the padding. Returns the header's hash.
  private func complete(_ block: SealedBlock, after previousHash: Hash128) -> Hash128 {
    let base = block.segment.base + block.start
    let paddedLength = BlockHeader.padded(block.byteLength)
    // A caller may have written more at the cursor than it then appended.
    System.zero(
      UnsafeMutableRawBufferPointer(start: base + block.byteLength, count: paddedLength - block.byteLength))
    let body = UnsafeRawBufferPointer(
      start: base + JournalLimits.blockHeaderBytes, count: paddedLength - JournalLimits.blockHeaderBytes)
    let header = BlockHeader(
      journal: journal, epoch: epoch, term: term, segment: block.segment.number, offset: block.start,
      number: block.number, byteLength: block.byteLength, recordCount: block.recordCount,
      durableNumber: block.number - 1, timestamp: block.timestamp, previousHash: previousHash,
      bodyHash: Hash128(of: body), digest: block.digest)
    return header.encode(into: base)
  }

  private func fail(_ operation: String, _ block: SealedBlock, _ code: Errno) {
    state.update { $0.queue.fail() }
    onFailure(JournalFailure(operation: operation, file: storage.describe(block.segment.path), code: code))
  }
}

extension JournalStatistics {
  fileprivate mutating func count(_ block: SealedBlock, bytes: Int, nanoseconds: UInt64) {
    blocks += 1
    closingBlocks += block.recordCount == 0 ? 1 : 0
    records += UInt64(block.recordCount)
    self.bytes += UInt64(bytes)
    flushNanosecondsTotal += nanoseconds
    flushNanosecondsMax = max(flushNanosecondsMax, nanoseconds)
    flushNanosecondsLast = nanoseconds
  }
}
