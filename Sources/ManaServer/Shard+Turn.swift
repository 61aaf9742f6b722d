import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// The turn of DESIGN: receive → execute → journal → reply, once an iteration of the loop.
extension Shard {
  func turn() {
    now = context.configuration.clock()
    if journal.collectCompletions() { releaseDurable() }
    takeMessages()
    // The journal is closed: a refund that falls due in this moment is posted by the next start.
    if hasEnded { return }
    runWaitingParts()
    runSessions()
    expireSettlements()
    commit()
    publishGauges()
    if isDraining { reportQuiet() }
  }

  // MARK: Execute

  /// Gives each session with input its turn: it executes frames until its input is used up or something has to be
  /// waited for.
  private func runSessions() {
    swap(&runnable, &inTurn)
    defer { inTurn.removeAll(keepingCapacity: true) }
    for index in inTurn.indices {
      let session = inTurn[index]
      session.isRunnable = false
      guard session.stage != .closing else { continue }
      switch run(session) {
      case .needsInput:
        session.connection.resumeReading()
      case .waitsForRoom:
        // The journal wakes the loop when there is room again.
        session.connection.pauseReading()
        makeRunnable(session)
      case .waitsForCapacity:
        // A released reply, or output that the caller has read, makes the session runnable again.
        session.connection.pauseReading()
      case .closed:
        session.stage = .closing
      }
    }
  }

  /// Posts the refunds of spends whose settlement timeout has passed.
  private func expireSettlements() {
    guard let deadline = ledger.nextDeadline, deadline <= now else { return }
    // A journal of short segments has short blocks.
    let limit = min(ServerLimits.expiriesPerTurn, journal.recordBytesPerBlockMax / Ledger.expiryBytesMax(limit: 1))
    let bytes = Ledger.expiryBytesMax(limit: limit)
    guard journal.makeRoom(bytes: bytes, digest: ledger.digest, timestamp: now) == .ready else { return }
    var writer = RecordWriter(cursor: journal.cursor, position: journal.position)
    let posted = ledger.expire(now: now, limit: limit, writer: &writer)
    if writer.bytes > 0 { journal.append(bytes: writer.bytes, records: writer.records) }
    gauges.add(posted: posted)
    if posted == limit { loop.waker.wake() }
  }

  // MARK: Journal

  /// Hands what this turn has appended to the writer, unless a write is on its way: then it gathers until that returns.
  private func commit() {
    journal.submit(digest: ledger.digest, timestamp: now)
    guard journal.needsClosingBlock, closingBlockTimer == nil else { return }
    closingBlockSeen = journal.durableBlockNumber
    closingBlockTimer = loop.after(milliseconds: ServerLimits.closingBlockMilliseconds) { [unowned self] in
      closingBlockTimer = nil
      let isIdle =
        journal.durableBlockNumber == closingBlockSeen
        && journal.lastAppendedBlockNumber <= journal.durableBlockNumber
      if isIdle, journal.needsClosingBlock {
        journal.submitClosingBlock(digest: ledger.digest, timestamp: context.configuration.clock())
      }
      loop.waker.wake()
    }
  }

  // MARK: Reply

  /// Lets everything go that waited for a block that is durable now.
  private func releaseDurable() {
    let durable = journal.durableBlockNumber
    swap(&holding, &inTurn)
    defer { inTurn.removeAll(keepingCapacity: true) }
    for index in inTurn.indices {
      let session = inTurn[index]
      guard session.stage != .closing else { continue }
      release(session, upTo: durable)
      if !session.held.isEmpty { holding.append(session) }
      if session.connection.input.count > 0 { makeRunnable(session) }
    }
    var sent = 0
    while sent < heldParts.count, heldParts[sent].block <= durable {
      sendBack(heldParts[sent])
      sent += 1
    }
    heldParts.removeFirst(sent)
  }

  /// Lets a session's replies go that wait for nothing beyond the block `durable`.
  func release(_ session: Session, upTo durable: UInt64) {
    let connection = session.connection
    let released = session.held.release(upTo: durable) { connection.commitOutput(copying: $0) }
    session.answered(released.replies, requestBytes: released.requestBytes)
  }

  /// The block that a reply has to wait for when it saw the newest state; 0 when all of it is durable.
  var pendingBlock: UInt64 {
    let last = journal.lastAppendedBlockNumber
    return last > journal.durableBlockNumber ? last : 0
  }

  private func publishGauges() {
    let statistics = journal.statistics
    gauges.publish(
      accounts: ledger.accountCount, transactions: Int(ledger.transactionCount), blocks: statistics.blocks,
      flushNanosecondsLast: statistics.flushNanosecondsLast,
      residentBytes: statistics.segments * context.identity.segmentBytes + ledger.memoryBytes)
  }
}
