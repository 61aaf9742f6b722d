import SystemPackage
import Testing

@testable import ManaJournal

/// What a flipped bit may do: be refused as damage, or be cut as a tail that nobody was told of. Nothing else.
@Suite struct BitFlipTests {
  /// A part of the bits of a segment, so that the parts run side by side.
  private static let slices = 0..<8

  /// Every bit of a segment of 64 KiB, nearly full of blocks of all sizes, the last of them a closing block or not.
  @Test(arguments: [false, true], slices)
  func everyBitOfASegment(isClosed: Bool, slice: Int) throws {
    let journal = try FrozenJournal.filled(isClosed: isClosed, seed: 31)
    let blocks = journal.blocks
    #expect(blocks.count == (isClosed ? 16 : 15) && blocks.last!.bytes.upperBound > 56_000)
    #expect(journal.read() == .read(blocks: blocks.count, isTorn: false))
    let bytes = FrozenJournal.segmentBytes / Self.slices.count
    for bit in Exhaustive.cases(slice * bytes * 8..<(slice + 1) * bytes * 8, sample: 17) {
      let outcome = journal.read(flipping: bit)
      let expected: FrozenJournal.Outcome
      switch blocks.firstIndex(where: { $0.bytes.contains(bit / 8) }) {
      case nil: expected = .read(blocks: blocks.count, isTorn: true)
      case blocks.count - 1: expected = .read(blocks: blocks.count - 1, isTorn: true)
      case .some(let index):
        expected = .damaged(block: index + 1, segment: 0, byte: blocks[index].bytes.lowerBound)
      }
      if outcome != expected { Issue.record("bit \(bit): \(outcome) where \(expected) was expected") }
    }
    #expect(journal.read() == .read(blocks: blocks.count, isTorn: false))
  }

  /// Over a change of segment: the zeros at the end of the first segment are part of what is proven.
  @Test(arguments: slices)
  func everyBitBeforeAnotherSegment(slice: Int) throws {
    var generator = SeededGenerator(seed: 37)
    let bench = try JournalBench()
    bench.prepare()
    for records in [300, 200, 130, 190, 2, 1] { bench.commit(records: records, using: &generator) }
    let journal = try FrozenJournal(bench)
    let blocks = journal.blocks.filter { $0.segment == 0 }
    #expect(journal.segmentCount == 2 && blocks.last!.bytes.upperBound < FrozenJournal.segmentBytes)
    let bytes = FrozenJournal.segmentBytes / Self.slices.count
    for bit in Exhaustive.cases(slice * bytes * 8..<(slice + 1) * bytes * 8, sample: 17) {
      let outcome = journal.read(flipping: bit)
      let index = blocks.firstIndex { $0.bytes.contains(bit / 8) } ?? blocks.count
      guard case .damaged(index + 1, _, _) = outcome else {
        Issue.record("bit \(bit): \(outcome) where damage to block \(index + 1) was expected")
        continue
      }
    }
  }

  /// The whole way, with the cut and what is appended then: the same decisions, and a life after them.
  @Test func recoveryDoesWhatTheReaderDecides() throws {
    let journal = try FrozenJournal.filled(isClosed: false, seed: 41)
    for bit in stride(from: 0, to: FrozenJournal.segmentBytes * 8, by: Exhaustive.isOn ? 211 : 4_999) {
      let storage = journal.storage.copied()
      storage.flip(FrozenJournal.path(0), bit: bit)
      journal.storage.flip(FrozenJournal.path(0), bit: bit)
      defer { journal.storage.flip(FrozenJournal.path(0), bit: bit) }
      let before = storage.contents(of: FrozenJournal.path(0))
      do {
        let bench = try JournalBench(storage)
        let cut = bench.journal.statistics.recovery.cutBytes > 0
        #expect(journal.read() == .read(blocks: bench.bodies.count, isTorn: cut), "bit \(bit)")
        var generator = SeededGenerator(seed: 43)
        bench.commit(records: 3, using: &generator)
        #expect(try JournalBench.read(storage).bodies == bench.bodies, "bit \(bit)")
      } catch JournalError.damaged(let damage) {
        #expect(journal.read() == .damaged(block: Int(damage.block), segment: 0, byte: damage.byte), "bit \(bit)")
        #expect(storage.contents(of: FrozenJournal.path(0)) == before, "bit \(bit): a refused start changed the disk")
      }
    }
  }

  @Test func everyBitOfTheIdentity() throws {
    let storage = SimulatedStorage()
    _ = try JournalBench(storage)
    for bit in 0..<LedgerIdentity.fileBytes * 8 {
      storage.flip("ledger", bit: bit)
      #expect(Self.isRefused { _ = try JournalBench(storage) }, "bit \(bit)")
      #expect(Self.isRefused { _ = try LedgerFiles(storage: storage, .withoutServer) }, "bit \(bit), a tool")
      storage.flip("ledger", bit: bit)
    }
    _ = try JournalBench(storage)
  }

  /// Every length but the right one.
  @Test func everyLengthOfTheIdentity() throws {
    let storage = SimulatedStorage()
    _ = try JournalBench(storage)
    let whole = storage.contents(of: "ledger")
    for count in 0...1024 where count != whole.count {
      storage.add("ledger", Array((whole + [UInt8](repeating: 0, count: 512)).prefix(count)))
      #expect(Self.isRefused { _ = try JournalBench(storage) }, "\(count) bytes")
    }
  }

  private static func isRefused(_ open: () throws -> Void) -> Bool {
    do {
      try open()
    } catch JournalError.identityDamaged {
      return true
    } catch {
      Issue.record("refused with \(error)")
    }
    return false
  }
}
