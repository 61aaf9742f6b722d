import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// Requests that need records which are not in memory. The loop never waits for the disk: such a request becomes a part
/// that stands aside until the record's block was read back, and is then called again. What its caller sent behind it
/// waits with it, so that it is executed in the order in which it came; everybody else goes on.
extension Shard {
  /// Whether something of a connection of this or another shard waits for a record.
  func hasPartWaiting(of session: UInt64, on shard: Int) -> Bool {
    !recordWaiters.isEmpty && recordWaiters.contains { $0.origin.session == session && $0.origin.shard == shard }
  }

  /// Sets a part aside until the record that it needs is at hand. Where too many wait already, it is refused.
  func setAside(_ part: Part, until record: AbsentRecord) {
    if part.pinned == nil {
      guard recordWaiters.count < ServerLimits.recordWaitersMax else {
        part.error = ProtocolError(.overloaded, "too many requests wait for transactions that are not in memory")
        part.block = pendingBlock
        return finish(part)
      }
      part.pinned = PinnedRecords()
    }
    part.absent = record
    recordWaiters.append(part)
    fetch(record)
  }

  private func fetch(_ record: AbsentRecord) {
    if record.itemSuffices {
      journal.archive?.fetchStart(of: record.position, bytes: RecordSpace.itemBytes)
    } else {
      journal.archive?.fetch(record.position)
    }
  }

  /// Takes what has been read and goes on with what waited for it.
  func takeRecords() {
    guard let archive = journal.archive else { return }
    for start in archive.collectStarts() {
      for part in recordWaiters where part.absent?.position == start.position { take(start, for: part) }
    }
    for read in archive.collect() {
      if let failure = read.failure {
        logger.error("a block cannot be read back", metadata: ["shard": "\(index)", "error": "\(failure)"])
      }
      for part in recordWaiters {
        if let record = part.absent, read.contains(record.position) { take(record, from: read, for: part) }
      }
      if let record = expiryAbsent, read.contains(record.position) { takeForExpiry(record, from: read) }
    }
    runRecordWaiters()
  }

  /// Where an item could not be read, its block is asked for: that says what is wrong.
  private func take(_ start: RecordStart, for part: Part) {
    guard part.absent?.itemSuffices == true else { return }
    switch start.result {
    case .success(let item):
      part.absent = nil
      part.pinned?.add(item: item, of: start.position)
    case .failure:
      let whole = AbsentRecord(position: start.position, itemSuffices: false)
      part.absent = whole
      fetch(whole)
    }
  }

  private func take(_ record: AbsentRecord, from read: BlockRead, for part: Part) {
    part.absent = nil
    if let pointer = read.pointer(at: record.position) {
      part.pinned?.add(record.position, copying: pointer, bytes: RecordSpace.bytes(ofRecordAt: pointer))
    } else {
      part.error = ProtocolError(
        .diskUnreadable, "a transaction of the past that this needs cannot be read from the disk")
    }
  }

  /// Goes on with those that have what they need, in the order in which they came, each connection's one after the other.
  private func runRecordWaiters() {
    guard !recordWaiters.isEmpty else { return }
    var waiting: [Part] = []
    swap(&waiting, &recordWaiters)
    for part in waiting {
      if part.absent != nil || hasPartWaiting(of: part.origin.session, on: part.origin.shard) {
        recordWaiters.append(part)
        continue
      }
      if part.error != nil {
        part.block = pendingBlock
        finish(part)
        continue
      }
      switch run(part) {
      case .done: finish(part)
      case .waitsForRoom: recordWaiters.append(part)
      case .waitsFor(let record): setAside(part, until: record)
      }
    }
  }

  // MARK: Settlements

  /// Keeps what is due until the record is there that the next refund needs.
  func waitForExpiry(of record: AbsentRecord) {
    expiryAbsent = record
    fetch(record)
  }

  private func takeForExpiry(_ record: AbsentRecord, from read: BlockRead) {
    if let pointer = read.pointer(at: record.position) {
      expiryAbsent = nil
      expiryFailures = 0
      let pinned = expiryPinned ?? PinnedRecords()
      pinned.add(record.position, copying: pointer, bytes: RecordSpace.bytes(ofRecordAt: pointer))
      expiryPinned = pinned
      return
    }
    expiryFailures += 1
    if expiryFailures == ServerLimits.expiryReadsMax {
      // Others are due, too.
      ledger.postponeEarliestDeadline(now: now)
      expiryPinned = nil
      expiryFailures = 0
    }
    loop.after(milliseconds: ServerLimits.expiryRetryMilliseconds) { [unowned self] in
      expiryAbsent = nil
      loop.waker.wake()
    }
  }
}
