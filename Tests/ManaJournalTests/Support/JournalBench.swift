import SystemPackage
import Testing

@testable import ManaJournal

/// A state that depends on every byte of every record and on their order, and not on how they came in pieces.
struct Fold: Equatable {
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

  init() {}
  init(digest: UInt64) { self.digest = digest }

  /// `bytes` are whole multiples of 32, the smallest record.
  mutating func apply(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset < bytes.count {
      let hash = Hash128(of: UnsafeRawBufferPointer(start: bytes.baseAddress! + offset, count: 32))
      digest = (digest ^ hash.low) &* 0x100_0000_01B3
      offset += 32
    }
  }
}

/// The records of one block: how many bytes, and the state after them, which depends on every byte so far.
struct Body: Equatable {
  var byteCount = 0
  var digest: UInt64
}

/// What a journal gave back when it was opened.
struct Reading: Equatable {
  var bodies: [Body] = []
  var resume: UInt64 = 0
  var cutBytes = 0
}

/// A journal on a simulated disk, driven step by step, with a record of everything that was appended.
final class JournalBench {
  let storage: SimulatedStorage
  let directory: DataDirectory
  let journal: Journal
  private(set) var fold = Fold()
  /// The records of each block, in order: index 0 is block 1.
  private(set) var bodies: [Body]
  private var clock: UInt64 = 1_000
  let failures: FailureLog

  init(
    _ storage: SimulatedStorage = SimulatedStorage(), segmentBytes: Int = 64 << 10, residentBytesMax: Int? = nil,
    usesCheckpoints: Bool = false, readsAhead: Bool = false
  ) throws {
    self.storage = storage
    let failures = FailureLog()
    self.failures = failures
    directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: segmentBytes))
    let state = BenchState()
    journal = try directory.recoverJournal(
      shard: 0, residentBytesMax: residentBytesMax, readsAhead: readsAhead, onDurable: {},
      onFailure: { failures.add($0) }, restore: usesCheckpoints ? state.restore : nil
    ) { block in state.replay(block) }
    fold = state.fold
    bodies = state.bodies
  }

  /// Has a checkpoint made of the segments that are closed, as another thread would.
  @discardableResult
  func foldCheckpoint(
    isCancelled: @escaping () -> Bool = { false }
  ) throws(JournalError) -> CheckpointReport? {
    let state = BenchState()
    return try directory.foldCheckpoint(
      shard: 0, before: journal.firstOpenSegment, isCancelled: isCancelled, restore: state.restore,
      replay: { state.replay($0) }, save: state.save)
  }

  /// What an orderly end does, and the end.
  @discardableResult
  func closeWithCheckpoint() throws -> CheckpointReport? {
    guard journal.settle(digest: fold.digest, timestamp: clock) else { return nil }
    countClosingBlock()
    let state = BenchState(fold: fold, bodies: bodies)
    defer { journal.close(digest: fold.digest, timestamp: clock) }
    return try journal.writeCheckpoint(digest: fold.digest, save: state.save)
  }

  /// Opens a journal, takes what it holds, and lets it go without writing.
  static func read(_ storage: SimulatedStorage) throws -> Reading {
    let bench = try JournalBench(storage)
    return Reading(
      bodies: bench.bodies, resume: bench.journal.openBlockNumber,
      cutBytes: bench.journal.statistics.recovery.cutBytes)
  }

  /// Appends records of `bytes` bytes; what the journal says when there is no room.
  @discardableResult
  func append(records: Int, bytes: Int = 96, using generator: inout some RandomNumberGenerator) -> Journal.Room {
    clock += 1
    let total = records * bytes
    let room = journal.makeRoom(bytes: total, digest: fold.digest, timestamp: clock)
    guard room == .ready else { return room }
    // One random word a record, then a count: every record differs, and it is quick in a debug build.
    var offset = 0
    while offset < total {
      let word = offset % bytes == 0 ? generator.next() : UInt64(offset)
      journal.cursor.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      journal.cursor.storeBytes(of: clock, toByteOffset: offset + 24, as: UInt64.self)
      offset += 32
    }
    let content = UnsafeRawBufferPointer(start: journal.cursor, count: total)
    fold.apply(content)
    let number = Int(journal.openBlockNumber)
    if bodies.count < number { bodies.append(Body(digest: fold.digest)) }
    bodies[number - 1] = Body(byteCount: bodies[number - 1].byteCount + total, digest: fold.digest)
    journal.append(bytes: total, records: records)
    return .ready
  }

  func submit() { journal.submit(digest: fold.digest, timestamp: clock) }

  /// Submits what is written at once where it is short.
  func submitAndWrite() { journal.submitAndWrite(digest: fold.digest, timestamp: clock) }

  /// Submits and writes until everything appended is durable, or writing has failed.
  func flush() {
    repeat {
      submit()
    } while journal.writer.step()
    _ = journal.collectCompletions()
  }

  func prepare() { _ = journal.preparer.step() }

  /// Appends and flushes one block of its own; prepares a segment where one is needed.
  func commit(records: Int, using generator: inout some RandomNumberGenerator) {
    if append(records: records, using: &generator) != .ready {
      flush()
      prepare()
      precondition(append(records: records, using: &generator) == .ready)
    }
    flush()
  }

  func writeClosingBlock() {
    journal.submitClosingBlock(digest: fold.digest, timestamp: clock)
    flush()
    countClosingBlock()
  }

  /// Brings everything to the disk, and leaves the journal open.
  func settle() {
    guard journal.settle(digest: fold.digest, timestamp: clock) else { preconditionFailure("a write has failed") }
    countClosingBlock()
  }

  func close() {
    journal.close(digest: fold.digest, timestamp: clock)
    countClosingBlock()
  }

  private func countClosingBlock() {
    if bodies.count < Int(journal.openBlockNumber) - 1 { bodies.append(Body(digest: fold.digest)) }
  }

  /// The blocks that are durable as far as the journal says so.
  var durableBodies: [Body] { Array(bodies.prefix(Int(journal.durableBlockNumber))) }
}

/// What a bench knows of its journal's blocks, as bytes in a checkpoint: how many, the digest, and each of them.
final class BenchState {
  private(set) var fold: Fold
  private(set) var bodies: [Body]

  init(fold: Fold = Fold(), bodies: [Body] = []) {
    self.fold = fold
    self.bodies = bodies
  }

  func replay(_ block: borrowing RecoveredBlock) -> UInt64 {
    precondition(block.number == UInt64(bodies.count + 1))
    fold.apply(block.body)
    bodies.append(Body(byteCount: block.body.count, digest: fold.digest))
    return fold.digest
  }

  func save(_ writer: CheckpointWriter) throws(JournalError) {
    try writer.append(number: UInt64(bodies.count))
    try writer.append(number: fold.digest)
    for body in bodies {
      try writer.append(number: UInt64(body.byteCount))
      try writer.append(number: body.digest)
    }
  }

  func restore(_ source: CheckpointSource, _ segments: SegmentTable) throws(CheckpointFault) {
    let count = try source.number()
    let digest = try source.number()
    var bodies: [Body] = []
    for _ in 0..<min(count, 1 << 20) {
      bodies.append(Body(byteCount: Int(try source.number()), digest: try source.number()))
    }
    try source.finish(digest: digest)
    (self.bodies, fold) = (bodies, Fold(digest: digest))
  }
}

/// Failures that a journal's threads reported.
final class FailureLog: Sendable {
  private let failures = Monitor<[JournalFailure]>([])
  func add(_ failure: JournalFailure) { failures.update { $0.append(failure) } }
  var all: [JournalFailure] { failures.withLock { $0 } }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
