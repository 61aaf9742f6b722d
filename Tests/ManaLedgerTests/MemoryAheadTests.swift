import Testing

@testable import ManaLedger

@Suite struct MemoryAheadTests {
  private static let chunk = MemoryArena.chunkBytes

  private func piecesAhead(_ arena: inout MemoryArena) -> [UInt] {
    var addresses: [UInt] = []
    while let piece = arena.nextAhead() {
      #expect(piece.count == Self.chunk)
      addresses.append(piece.address)
    }
    return addresses
  }

  @Test func nothingIsAheadOfSmallBlocks() {
    var arena = MemoryArena()
    _ = arena.take(1_024)
    #expect(piecesAhead(&arena).isEmpty)
  }

  /// Each piece is named once, and what is named is what is taken next.
  @Test func whatIsAheadIsTakenNext() {
    var arena = MemoryArena()
    let first = UInt(bitPattern: arena.take(Self.chunk))
    let count = MemoryArena.aheadBytes / Self.chunk
    #expect(piecesAhead(&arena) == (1...count).map { first + UInt($0 * Self.chunk) })
    #expect(piecesAhead(&arena).isEmpty)
    for number in 1...3 { #expect(UInt(bitPattern: arena.take(Self.chunk)) == first + UInt(number * Self.chunk)) }
    #expect(piecesAhead(&arena) == (count + 1...count + 3).map { first + UInt($0 * Self.chunk) })
    // What was prepared here needs nobody else.
    arena.prepare((count + 3) * Self.chunk)
    #expect(piecesAhead(&arena).isEmpty)
  }

  /// A table in use keeps what it holds, and fresh memory is zero.
  @Test func populatingChangesNothing() {
    var arena = MemoryArena()
    _ = arena.take(Self.chunk)
    guard let piece = arena.nextAhead() else {
      Issue.record("nothing is ahead of a large block")
      return
    }
    let block = arena.take(Self.chunk)
    #expect(UInt(bitPattern: block) == piece.address)
    block.storeBytes(of: 0x5EED, toByteOffset: 4_096, as: UInt64.self)
    piece.populate()
    #expect(block.load(fromByteOffset: 4_096, as: UInt64.self) == 0x5EED)
    #expect((0..<Self.chunk / 8).count { block.load(fromByteOffset: $0 * 8, as: UInt64.self) != 0 } == 1)
  }

  @Test func aLedgerNamesWhatEachTableTakes() {
    var bench = Bench()
    bench.ledger.prepare(transactions: 200_000, accounts: 6_000)
    var count = 0
    while let piece = bench.ledger.nextMemoryAhead() {
      piece.populate()
      count += 1
    }
    // Three tables, some of which have part of it ready.
    #expect(count > 0 && count <= 3 * MemoryArena.aheadBytes / Self.chunk)
  }
}
