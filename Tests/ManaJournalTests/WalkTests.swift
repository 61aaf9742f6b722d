import SystemPackage
import Testing

@testable import ManaJournal

/// Where a walk through a journal begins and ends, and what it says of blocks that do not belong there.
@Suite struct WalkTests {
  /// The blocks that a walk shows, with its doubts.
  private static func walk(
    _ storage: SimulatedStorage, from start: WalkStart = .beginning, steps: Int = .max
  ) throws -> [String] {
    var seen: [String] = []
    try LedgerFiles(storage: storage, .besideServer).walk(shard: 0, from: start) { step in
      switch step {
      case .block(let block): seen.append("\(block.number)" + (block.doubt.map { ": \($0)" } ?? ""))
      case .unknown(let place, let byteCount): seen.append("unknown \(place.byte)+\(byteCount)")
      }
      return seen.count < steps
    }
    return seen
  }

  /// See `DamageTests.makeStorage` for where the blocks are. Positions are bytes divided by 32.
  @Test(
    arguments: [
      (.beginning, Array(1...11)), (.place(segment: 0, byte: 1024), Array(3...11)),
      (.place(segment: 1, byte: 0), Array(8...11)),
      (.place(segment: 1, byte: 512), Array(9...11)), (.place(segment: 4, byte: 0), []),
      (.position(0), Array(1...11)), (.position(2048 + 40), Array(8...11)), (.position(2 * 2048 + 5), [11]),
      (.position(4 * 2048), []), (.block(9), Array(8...11)),
    ] as [(WalkStart, [Int])])
  func itBegins(start: WalkStart, blocks: [Int]) throws {
    let seen = try Self.walk(DamageTests.makeStorage(), from: start).filter { !$0.hasPrefix("unknown") }
    // From the middle of a segment on, what is left of a block comes first.
    #expect(seen.map { $0.prefix { $0.isNumber } }.compactMap { Int($0) } == blocks)
    #expect(seen.allSatisfy { !$0.contains(":") })
  }

  @Test func itEndsWhenItsVisitorHasSeenEnough() throws {
    let storage = try DamageTests.makeStorage()
    #expect(try Self.walk(storage, steps: 3) == ["1", "2", "3"])
    storage.edit(FrozenJournal.path(0)) { bytes in for byte in 1024..<1032 { bytes[byte] ^= 0xFF } }
    #expect(try Self.walk(storage, steps: 3) == ["1", "2", "unknown 1024+512"])
    // Behind the last block of a segment.
    storage.edit(FrozenJournal.path(0)) { bytes in bytes[bytes.count - 1] = 1 }
    let all = try Self.walk(storage)
    let index = try #require(all.firstIndex { $0.hasPrefix("unknown 65024") }, "\(all)")
    #expect(try Self.walk(storage, steps: index + 1) == Array(all.prefix(index + 1)))
  }

  /// Headers that are whole and say something that cannot be there.
  @Test func doubts() throws {
    let storage = try DamageTests.makeStorage()
    func rewrite(_ block: Int, _ change: (inout BlockHeader) -> Void) {
      storage.edit(FrozenJournal.path(0)) { bytes in
        let base = bytes.baseAddress! + (block - 1) * 512
        var header = BlockHeader(at: base)!
        change(&header)
        _ = header.encode(into: base)
      }
    }
    rewrite(2) { $0.formatVersion = 7 }
    rewrite(3) { $0.byteLength = 100 }
    rewrite(4) { $0.byteLength = 1 << 20 }
    rewrite(5) { $0.number = 50 }
    rewrite(6) { $0.ledgerID ^= 1 }
    var found: [FoundBlock] = []
    try LedgerFiles(storage: storage, .besideServer).walk(shard: 0) { step in
      if case .block(let block) = step { found.append(block) }
      return true
    }
    let blocks = found.prefix(6)
    #expect(blocks.map(\.number) == [1, 2, 3, 4, 50, 6])
    #expect(blocks[1].doubt == "it has format version 7" && blocks[1].isWhole)
    #expect(blocks[2].doubt?.contains("follows another block") == true && !blocks[2].isWhole && blocks[2].body.isEmpty)
    #expect(blocks[3].doubt?.contains("was expected") == true && !blocks[3].isWhole)
    #expect(blocks[4].doubt == "block 3 was expected there" && blocks[4].isWhole)
    #expect(blocks[5].doubt == "the block there belongs to another ledger" && !blocks[5].isOurs)
    // Whose length is too short for a header has no records, and ends where they would begin.
    #expect(blocks[2].endPosition == blocks[2].firstPosition)
    #expect(blocks[0].endPosition == blocks[0].firstPosition + 3)
  }

  /// Where the beginning of a segment cannot be read, a walk to a block of it begins before.
  @Test func whereTheFirstBlockCannotBeRead() throws {
    let storage = try DamageTests.makeStorage()
    storage.unreadable[FrozenJournal.path(1)] = [0]
    #expect(try Self.walk(storage, from: .block(9), steps: 1) == ["1"])
    storage.unreadable = [:]
    storage.add(FrozenJournal.path(1), [1, 2, 3])
    #expect(try Self.walk(storage, from: .block(9), steps: 1) == ["1"])
  }

  @Test func aSectorThatCannotBeRead() throws {
    let storage = try DamageTests.makeStorage()
    storage.unreadable[FrozenJournal.path(0)] = [2]
    #expect(try Self.walk(storage, steps: 3) == ["1", "2", "unknown 1024+512"])
  }

  /// Whatever cannot be looked at for another reason than a bad sector ends the walk with that reason.
  @Test func whatTheDiskRefusesIsToldOf() throws {
    let storage = try DamageTests.makeStorage()
    let files = try LedgerFiles(storage: storage, .besideServer)
    var operations: Set<String> = []
    for operation in 1... {
      storage.failure = .init(
        operation: storage.operationCount + operation, isLasting: false, code: .permissionDenied, countsReads: true)
      let fired = storage.firedCount
      do throws(JournalError) {
        try files.walk(shard: 0, from: .block(9)) { _ in true }
        #expect(storage.firedCount == fired, "operation \(operation): a failure was not told of")
        break
      } catch .system(let operation, _, let code) {
        #expect(code == .permissionDenied)
        operations.insert(operation)
      }
    }
    #expect(operations == ["list", "open", "measure", "read"])
  }
}
