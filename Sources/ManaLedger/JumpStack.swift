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
// is a tree of rank r; `hasTwins` when there are two of the lowest.

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

  /// Makes room for the transaction that follows and returns where it jumps to. `lastPosition` and `sequence` are still
  /// those of the previous transaction. Constant time, reads no record.
  @inline(__always)
  func advanceJump(_ overflows: inout SlabArray) -> UInt64 {
    let stacked = Int(truncatingIfNeeded: stackedRootCount)
    let lowest = ranks & (0 &- ranks)
    if hasTwins {
      // The two newest roots are the last transaction and the last of the stack: both are under the new one now.
      let jump = stacked >= 2 ? rootAddress(stacked &- 2, overflows).load(as: UInt64.self) : 0
      let raised = lowest &<< 1
      hasTwins = ranks & raised != 0
      ranks = (ranks ^ lowest) | raised
      stackedRootCount = UInt8(truncatingIfNeeded: stacked &- 1)
      return jump
    }
    guard lowest != 0 else {
      ranks = 1
      return 0
    }
    if stacked == Self.inlineRoots && overflow == 0 { overflow = UInt32(overflows.append() + 1) }
    rootAddress(stacked, overflows).storeBytes(of: lastPosition, as: UInt64.self)
    hasTwins = lowest == 1
    ranks |= 1
    stackedRootCount = UInt8(truncatingIfNeeded: stacked &+ 1)
    return lastPosition
  }

  /// Whether the roots are where `ranks` says, at positions before `end`: of an account that was read from an image.
  func hasSoundRoots(_ overflows: borrowing SlabArray, end: UInt64) -> Bool {
    let stacked = Int(stackedRootCount)
    guard stacked == ranks.nonzeroBitCount + (hasTwins ? 1 : 0) - 1, Int(overflow) <= overflows.count,
      stacked <= Self.inlineRoots || overflow != 0, stacked <= Self.inlineRoots + Self.overflowBytes / 8
    else { return false }
    return stackedRoots(overflows).allSatisfy { (1..<end).contains($0) }
  }

  /// The positions of the roots, oldest first, without the last transaction.
  func stackedRoots(_ overflows: borrowing SlabArray) -> [UInt64] {
    (0..<Int(stackedRootCount)).map { rootAddress($0, overflows).load(as: UInt64.self) }
  }
}
