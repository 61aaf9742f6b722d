/// A piece of address space that a table of a ledger will take next.
///
/// The first touch of memory takes milliseconds for two megabytes on some machines, and a batch whose table grows would
/// wait for it. Whoever has a thread to spare has it touched before that.
public struct MemoryAhead: Sendable {
  let address: UInt
  let count: Int

  /// Has the system hand this memory out. Changes nothing that it holds, so any thread may do it at any time before the
  /// ledger is gone; a ledger that needs the memory meanwhile does it itself. Takes milliseconds.
  public func populate() {
    MemoryArena.touchAhead(
      UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: address), count: count))
  }
}

extension Ledger {
  /// What the tables will take next and nobody was told of yet: a few megabytes a table, piece by piece. Nil when that
  /// much is there. Constant time.
  public mutating func nextMemoryAhead() -> MemoryAhead? {
    transactions.arena.nextAhead() ?? accounts.nextMemoryAhead()
  }
}
