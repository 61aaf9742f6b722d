// Jump pointers: each transaction names its account's previous one and one much older one, so that a transaction is
// found by sequence number or time in O(log n) reads. Source: Myers, "An applicative random-access stack", 1983.
//
// The n transactions of an account form perfect binary trees of 2^(r+1) − 1 nodes, r being the tree's rank, as n is
// written in skew-binary: at most one tree of each rank, but for the lowest rank, of which there may be two. Roots are
// the newest nodes of their trees. The newest tree is the smallest. A new transaction
//
// - joins the two newest trees under itself when they have the same rank, and jumps to the root behind both;
// - is a tree of its own otherwise, and jumps to the previous transaction.
//
// The account keeps the roots, oldest first, without the newest of them, which is its last transaction: 31 at most, 7
// in the account itself and 24 in an overflow block. So appending reads no record. Bit r of `ranks` is set when there
// is a tree of rank r; whether there are two of the lowest follows from n.

extension Account {
  /// Positions in the account itself.
  static let inlineRoots = 7
  /// Bytes of an overflow block: 24 positions.
  static let overflowBytes = 192

  @inline(__always)
  private func rootAddress(_ index: Int, _ overflows: borrowing SlabArray) -> UnsafeMutableRawPointer {
    index < Self.inlineRoots
      ? base + (64 &+ index &* 8) : overflows[Int(overflow) &- 1] + (index &- Self.inlineRoots) &* 8
  }

  /// Whether there are two trees of the lowest rank.
  @inline(__always)
  private var hasTwins: Bool {
    UInt64(sequence) != 2 &* UInt64(ranks) &- UInt64(truncatingIfNeeded: ranks.nonzeroBitCount)
  }

  /// Makes room for the transaction that follows and returns where it jumps to. `lastPosition` and `sequence` are still
  /// those of the previous transaction. Constant time, reads no record.
  @inline(__always)
  func advanceJump(_ overflows: inout SlabArray) -> UInt64 {
    let trees = ranks.nonzeroBitCount
    if hasTwins {
      // With twins there are `trees + 1` roots and `trees` of them are stacked.
      let jump = trees >= 2 ? rootAddress(trees &- 2, overflows).load(as: UInt64.self) : 0
      let lowest = ranks & (0 &- ranks)
      ranks = (ranks & ~lowest) | lowest &<< 1
      return jump
    }
    guard trees > 0 else {
      ranks = 1
      return 0
    }
    let stacked = trees &- 1
    if stacked == Self.inlineRoots && overflow == 0 { overflow = UInt32(overflows.append() + 1) }
    rootAddress(stacked, overflows).storeBytes(of: lastPosition, as: UInt64.self)
    ranks |= 1
    return lastPosition
  }

  /// The positions of the roots, oldest first, without the last transaction.
  func stackedRoots(_ overflows: borrowing SlabArray) -> [UInt64] {
    let roots = ranks.nonzeroBitCount + (hasTwins ? 1 : 0)
    return (0..<max(0, roots - 1)).map { rootAddress($0, overflows).load(as: UInt64.self) }
  }
}
