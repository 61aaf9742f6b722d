import Glibc
import Testing

@testable import ManaJournal

/// What a flipped bit may do: be refused as damage, or be cut as a tail that nobody was told of. Nothing else.
@Suite struct BitFlipTests {
  private enum Outcome: Equatable {
    case damaged(block: UInt64, byte: Int)
    case read([Body])
  }

  private func outcome(of storage: SimulatedStorage) throws -> Outcome {
    do {
      return .read(try JournalBench.read(storage).bodies)
    } catch JournalError.damaged(let damage) {
      return .damaged(block: damage.block, byte: damage.byte)
    }
  }

  private func flipped(_ storage: SimulatedStorage, _ segment: UInt32, bit: Int) -> SimulatedStorage {
    let copy = storage.copied()
    copy.edit(Segment.path(shard: 0, segment: segment)) { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
    return copy
  }

  private static let isExhaustive = getenv("MANA_EXHAUSTIVE") != nil

  /// Every bit of a journal of five small blocks, the last of them a closing block or not. Of the zeros behind them
  /// every 499th bit, or every one when the environment says MANA_EXHAUSTIVE.
  @Test(arguments: [false, true])
  func everyBitOfASmallJournal(isClosed: Bool) throws {
    var generator = SeededGenerator(seed: 31)
    let bench = try JournalBench()
    for records in [1, 2, 3, 2] { bench.commit(records: records, using: &generator) }
    if isClosed { bench.writeClosingBlock() } else { bench.commit(records: 1, using: &generator) }
    #expect(bench.journal.durableBlockNumber == 5)
    let usedBits = 5 * 512 * 8
    for bit in 0..<usedBits {
      let block = bit / 8 / 512
      let outcome = try outcome(of: flipped(bench.storage, 0, bit: bit))
      let expected: Outcome =
        block == 4
        ? .read(Array(bench.bodies.prefix(4))) : .damaged(block: UInt64(block + 1), byte: block * 512)
      if outcome != expected { Issue.record("bit \(bit): \(outcome)") }
    }
    for bit in stride(from: usedBits, to: (64 << 10) * 8, by: Self.isExhaustive ? 1 : 499) {
      let outcome = try outcome(of: flipped(bench.storage, 0, bit: bit))
      if outcome != .read(bench.bodies) { Issue.record("bit \(bit) behind the end: \(outcome)") }
    }
  }

  /// Over a change of segment: the zeros at the end of the first segment are part of what is proven.
  @Test func bitsAroundTheEndOfASegment() throws {
    var generator = SeededGenerator(seed: 37)
    let bench = try JournalBench()
    bench.prepare()
    for records in [300, 200, 190, 2, 1] { bench.commit(records: records, using: &generator) }
    #expect(bench.journal.open.segment == 1)
    let second = bench.storage.contents(of: Segment.path(shard: 0, segment: 1))
    #expect(second.prefix(16).contains { $0 != 0 })
    for bit in stride(from: 0, to: (64 << 10) * 8, by: 487) {
      let outcome = try outcome(of: flipped(bench.storage, 0, bit: bit))
      guard case .damaged = outcome else {
        Issue.record("bit \(bit) of segment 0: \(outcome)")
        continue
      }
    }
    let lastBlock = BlockHeader.padded(190 * 96 + 160) + 512
    for bit in stride(from: 0, to: lastBlock * 8, by: 211) {
      let outcome = try outcome(of: flipped(bench.storage, 1, bit: bit))
      guard case .damaged = outcome else {
        Issue.record("bit \(bit) of segment 1: \(outcome)")
        continue
      }
    }
  }

  @Test func everyBitOfTheIdentity() throws {
    let storage = SimulatedStorage()
    _ = try JournalBench(storage)
    for bit in 0..<512 * 8 {
      let copy = storage.copied()
      copy.edit("ledger") { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
      #expect {
        _ = try JournalBench(copy)
      } throws: { error in
        guard case JournalError.identityDamaged = error else { return false }
        return true
      }
    }
  }
}
