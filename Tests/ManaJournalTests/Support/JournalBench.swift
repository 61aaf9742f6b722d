import SystemPackage
import Testing

@testable import ManaJournal

/// A state that depends on every byte of every record and on their order, and not on how they came in pieces.
struct Fold: Equatable {
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

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

  init(_ storage: SimulatedStorage = SimulatedStorage(), segmentBytes: Int = 64 << 10) throws {
    self.storage = storage
    let failures = FailureLog()
    self.failures = failures
    directory = try DataDirectory(storage: storage, creatingWith: CreationOptions(segmentBytes: segmentBytes))
    var fold = Fold()
    var bodies: [Body] = []
    journal = try directory.recoverJournal(shard: 0, onDurable: {}, onFailure: { failures.add($0) }) { block in
      precondition(block.number == UInt64(bodies.count + 1))
      fold.apply(block.body)
      bodies.append(Body(byteCount: block.body.count, digest: fold.digest))
      return fold.digest
    }
    self.fold = fold
    self.bodies = bodies
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
