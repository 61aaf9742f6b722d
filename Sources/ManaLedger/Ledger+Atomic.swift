import ManaProtocol

/// The state of one account and of the ledger's counters before an atomic batch.
private struct Snapshot {
  /// Nil when there was no account, or no overflow block.
  var account: [UInt8]?
  var overflow: [UInt8]?
  var digest: UInt64
  var lastTimestamp: UInt64
  var transactionCount: UInt64
}

extension Ledger {
  /// Executes an atomic batch, or leaves everything as it was.
  @inline(never)
  mutating func postAtomic(
    _ source: ItemSource, _ turn: inout Turn, _ writer: inout RecordWriter
  ) {
    precondition(source.firstOfAnotherAccount == nil, "an atomic batch is of one account")
    let id = ItemView(source.items).account
    let start = writer
    let results = turn.result
    let before = snapshot(of: id)
    spends.startRecording()
    let refusedIndex = run(source, isAtomic: true, &turn, &writer)
    let absent = turn.outcome.absent
    if refusedIndex == source.count {
      spends.stopRecording()
      turn.outcome.atomicApplied = true
      return
    }
    undo(to: start, end: writer, id, before)
    writer = start
    turn.outcome = PostOutcome()
    turn.outcome.absent = absent
    if absent != nil { return }
    turn.outcome.refused = source.count
    guard var refusal = ItemResult(reading: turn.result, stride: ItemResult.compactBytes) else {
      preconditionFailure("a result that was just written can be read")
    }
    refusal.balance = account(id)?.balance ?? 0
    var others = refusal
    others.status = .notApplied
    others.field = nil
    turn.result = results
    for index in 0..<source.count {
      turn.finish(index == refusedIndex ? refusal : others)
      turn.result += turn.resultStride
    }
  }

  private func snapshot(of id: UInt128) -> Snapshot {
    func bytes(_ base: UnsafeRawPointer, _ count: Int) -> [UInt8] {
      Array(UnsafeRawBufferPointer(start: base, count: count))
    }
    let account = account(id)
    let overflow = account?.overflow ?? 0
    return Snapshot(
      account: account.map { bytes($0.base, Account.bytes) },
      overflow: overflow == 0 ? nil : bytes(accounts.overflows[Int(overflow) - 1], Account.overflowBytes),
      digest: digest, lastTimestamp: lastTimestamp, transactionCount: transactionCount)
  }

  /// Takes back what the records from `start` to `end` changed, newest first.
  private mutating func undo(to start: RecordWriter, end: RecordWriter, _ id: UInt128, _ before: Snapshot) {
    digest = before.digest
    lastTimestamp = before.lastTimestamp
    transactionCount = before.transactionCount
    guard let account = account(id) else { return }
    let space = records
    spends.undo(of: account) { space.recordAtHand($0).item.amount }
    let accountHash = hashing.account(id)
    var positions: [UInt64] = []
    var position = start.position
    while position < end.position {
      positions.append(position)
      position += UInt64(records.recordAtHand(position).size / RecordLayout.unit)
    }
    for position in positions.reversed() {
      let item = records.recordAtHand(position).item
      if item.type == RecordType.tombstone, item.id != item.related {
        // The void id was indexed after the tombstone's own, if at all; see `bury`.
        _ = transactions.removeIfPresent(hashing.transaction(accountHash: accountHash, item.related), payload: position)
      }
      transactions.remove(hashing.transaction(accountHash: accountHash, item.id), payload: position)
    }
    let overflow = account.overflow
    if overflow != 0 {
      if let bytes = before.overflow {
        accounts.overflows[Int(overflow) - 1].copyMemory(from: bytes, byteCount: bytes.count)
      } else {
        accounts.overflows.removeLast()
      }
    }
    if let bytes = before.account {
      account.base.copyMemory(from: bytes, byteCount: bytes.count)
    } else {
      accounts.removeLast(hash: accountHash)
    }
  }
}
