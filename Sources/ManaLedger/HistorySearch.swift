/// What a search in an account's history found.
struct SearchResult {
  /// 0 when there is no such transaction.
  var position: UInt64
  /// Records read on the way.
  var reads: Int
}

extension RecordSpace {
  /// The newest transaction of the chain that begins at `head`, a transaction, which is `old` enough. Whatever is older
  /// than one that is old enough must be old enough too.
  ///
  /// O(log n) reads: along the roots, at most one a tree, then down one tree, at most two a level.
  @inline(__always)
  func newest(
    from head: UInt64, where isOldEnough: (RecordView) -> Bool
  ) throws(AbsentRecord) -> SearchResult {
    // Everything from here on is known to be old enough; 0 is the end of the chain.
    var known: UInt64 = 0
    var position = head
    var current = try record(at: position)
    var reads = 1
    while !isOldEnough(current) {
      let jump = current.jump
      if jump != known {
        let candidate = try record(at: jump)
        reads += 1
        if !isOldEnough(candidate) {
          position = jump
          current = candidate
          continue
        }
        known = jump
      }
      let previous = current.previous
      if previous == known { return SearchResult(position: known, reads: reads) }
      position = previous
      current = try record(at: position)
      reads += 1
    }
    return SearchResult(position: position, reads: reads)
  }

  /// The transaction with this sequence number, which must be 1 to that of `head`.
  func position(ofSequence sequence: UInt32, from head: UInt64) throws(AbsentRecord) -> SearchResult {
    let found = try newest(from: head) { $0.sequence <= sequence }
    precondition(found.position != 0 && recordAtHand(found.position).sequence == sequence, "the chain has a gap")
    return found
  }
}
