import SystemPackage
import Testing

@testable import ManaJournal

/// A journal that ends too early: its bytes are zeros from somewhere on, or its file is shorter than a segment is.
@Suite struct TruncationTests {
  /// Zeros from every byte on: a tail that nobody was told of, as far as anyone can know. What is whole before it
  /// comes back, and nothing else.
  @Test(arguments: [false, true], 0..<4)
  func zerosFromEveryByteOn(isClosed: Bool, slice: Int) throws {
    let journal = try FrozenJournal.filled(isClosed: isClosed, seed: 47)
    let path = FrozenJournal.path(0)
    let original = journal.storage.contents(of: path)
    let quarter = FrozenJournal.segmentBytes / 4
    // From the end to the beginning, so that each case only has to clear a few bytes more.
    var cleared = FrozenJournal.segmentBytes
    for byte in Exhaustive.cases(slice * quarter..<(slice + 1) * quarter, sample: 37).reversed() {
      journal.storage.edit(path) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[byte..<cleared])) }
      cleared = byte
      // Whole is a block of which only zeros were erased: those of its padding, or of its last record.
      let whole = journal.blocks.prefix { block in
        isZero(original, max(byte, block.bytes.lowerBound)..<max(byte, block.bytes.upperBound))
      }
      let cut = whole.count < journal.blocks.count ? journal.blocks[whole.count].bytes.lowerBound : byte
      let isTorn = cut < byte && !isZero(original, cut..<byte)
      let outcome = journal.read()
      if outcome != .read(blocks: whole.count, isTorn: isTorn) {
        Issue.record("zeros from byte \(byte): \(outcome), \(whole.count) blocks are whole")
      }
    }
  }

  private func isZero(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    bytes.withUnsafeBytes { System.isZero(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// The same in a segment that is not the last: the next one proves that its end is missing.
  @Test func zerosBeforeAnotherSegment() throws {
    var generator = SeededGenerator(seed: 53)
    let bench = try JournalBench()
    bench.prepare()
    for records in [300, 200, 130, 190, 2] { bench.commit(records: records, using: &generator) }
    let journal = try FrozenJournal(bench)
    let blocks = journal.blocks.filter { $0.segment == 0 }
    let path = FrozenJournal.path(0)
    let end = journal.storage.contents(of: path)[..<blocks.last!.bytes.upperBound].lastIndex { $0 != 0 }!
    var cleared = FrozenJournal.segmentBytes
    for byte in Exhaustive.cases(0..<end + 1, sample: 37).reversed() {
      journal.storage.edit(path) { System.zero(UnsafeMutableRawBufferPointer(rebasing: $0[byte..<cleared])) }
      cleared = byte
      guard case .damaged = journal.read() else {
        Issue.record("zeros from byte \(byte) of segment 0, and segment 1 was believed: \(journal.read())")
        continue
      }
    }
  }

  /// A file of every length but the right one: no crash makes that, so a start refuses it, and a tool finds each block
  /// that is still whole.
  @Test func everyLengthOfASegment() throws {
    let journal = try FrozenJournal.filled(isClosed: true, seed: 59)
    let path = FrozenJournal.path(0)
    let original = journal.storage.contents(of: path)
    let end = journal.blocks.last!.bytes.upperBound
    let lengths = Array(Exhaustive.cases(0..<original.count, sample: 97)) + [original.count + 1, original.count + 512]
    for length in lengths {
      journal.storage.add(path, Array((original + [UInt8](repeating: 0, count: 512)).prefix(length)))
      guard case .damaged = journal.read() else {
        Issue.record("a segment of \(length) bytes was accepted")
        continue
      }
      let files = try LedgerFiles(storage: journal.storage, .withoutServer)
      let inspection = try files.inspect(shard: 0) { $0.digest }
      let sectors = min(length, end) & -512
      let whole = journal.blocks.prefix { $0.bytes.upperBound <= sectors }.count
      #expect(inspection.damage != nil && inspection.blocks == UInt64(whole), "\(length) bytes")
    }
  }
}
