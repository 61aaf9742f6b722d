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
    takeRecords()
    itemsInTurn = 0
    runWaitingParts()
    itemsInTurn = 0
    runSessions()
    expireSettlements()
    commit()
    touchMemoryAhead()
    boundMemory()
    publishGauges()
    if isDraining { reportQuiet() }
  }

  // MARK: Execute

  /// Whether this turn has executed as much as one should.
  var hasDoneEnough: Bool { itemsInTurn >= context.conditions.itemsPerTurn }

  /// Gives each session with input its turn: it executes frames until its input is used up or something has to be
  /// waited for.
  private func runSessions() {
    swap(&runnable, &inTurn)
    defer { inTurn.removeAll(keepingCapacity: true) }
    noteCallers()
    let memoryBefore = memoryBytes
    for index in inTurn.indices {
      let session = inTurn[index]
      session.isRunnable = false
      guard session.stage != .closing else { continue }
      if hasDoneEnough || memoryBytes - memoryBefore > memoryBytesMax {
        // The next turn; and what is there is sent, or its connection closed, before there is more.
        makeRunnable(session)
        loop.waker.wake()
        continue
      }
      defer { if memoryBytes > memoryBytesMax { session.connection.flushOutput() } }
      switch run(session) {
      case .needsInput:
        session.connection.resumeReading()
      case .waitsForRoom:
        // The journal wakes the loop when there is room again, or the memory of the tables.
        session.connection.pauseReading()
        makeRunnable(session)
      case .waitsForCapacity:
        // A released reply, or output that the caller has read, makes the session runnable again.
        session.connection.pauseReading()
      case .closed:
        session.stage = .closing
      case .yields:
        yielding.append(session)
        loop.waker.wake()
      }
    }
    // Behind those that had no turn.
    for session in yielding { makeRunnable(session) }
    yielding.removeAll(keepingCapacity: true)
  }

  /// Posts the refunds of spends whose settlement timeout has passed.
  private func expireSettlements() {
    guard expiryAbsent == nil, let deadline = ledger.nextDeadline, deadline <= now else { return }
    // A journal of short segments has short blocks.
    let limit = min(ServerLimits.expiriesPerTurn, journal.recordBytesPerBlockMax / Ledger.expiryBytesMax(limit: 1))
    let bytes = Ledger.expiryBytesMax(limit: limit)
    guard journal.makeRoom(bytes: bytes, digest: ledger.digest, timestamp: now) == .ready else { return }
    var writer = RecordWriter(cursor: journal.cursor, position: journal.position)
    records.pinned = expiryPinned
    let outcome = ledger.expire(now: now, limit: limit, writer: &writer)
    records.pinned = nil
    if writer.bytes > 0 { journal.append(bytes: writer.bytes, records: writer.records) }
    gauges.add(posted: outcome.posted)
    if outcome.absent == nil || outcome.posted > 0 { expiryPinned = nil }
    if let record = outcome.absent { waitForExpiry(of: record) }
    if outcome.posted == limit { loop.waker.wake() }
  }

  // MARK: Journal

  /// Hands what this turn has appended to the writer, unless a write is on its way: then it gathers until that returns.
  private func commit() {
    if isLonely {
      journal.submitAndWrite(digest: ledger.digest, timestamp: now)
      if journal.collectCompletions() { releaseDurable() }
      // What stood behind the call has its turn without anything else happening.
      if !runnable.isEmpty { loop.waker.wake() }
    } else {
      journal.submit(digest: ledger.digest, timestamp: now)
    }
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
      // Now, and not behind what this turn executes: the caller works on them meanwhile.
      session.connection.flushOutput()
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
    let released = session.held.release(upTo: durable) {
      connection.commitOutput(copying: $0)
    } answered: {
      metrics.requestNanoseconds.observe(loop.nowNanoseconds &- $0)
    }
    session.answered(released.replies, requestBytes: released.requestBytes)
    countHeld(of: session)
  }

  /// The block that a reply has to wait for when it saw the newest state; 0 when all of it is durable.
  var pendingBlock: UInt64 {
    let last = journal.lastAppendedBlockNumber
    return last > journal.durableBlockNumber ? last : 0
  }

  /// A table that grows in the middle of a batch finds its memory touched.
  private func touchMemoryAhead() {
    guard let tableMemory else { return }
    while let memory = ledger.nextMemoryAhead() { tableMemory.submit { memory.populate() } }
  }

  private func publishGauges() {
    let statistics = journal.statistics
    gauges.publish(
      accounts: ledger.accountCount, transactions: Int(ledger.transactionCount), blocks: statistics.blocks,
      flushNanosecondsLast: statistics.flushNanosecondsLast,
      residentBytes: statistics.segments * context.identity.segmentBytes + statistics.archiveBytes
        + ledger.memoryBytes)
    if statistics.blocks != blocksPublished {
      blocksPublished = statistics.blocks
      metrics.flushNanoseconds.observe(statistics.flushNanosecondsLast)
      metrics.flushedBytes.set(statistics.bytes)
      metrics.flushedRecords.set(statistics.records)
      metrics.segments.set(UInt64(statistics.segments))
    }
    metrics.blocksRead.set(statistics.reads.blocks)
    metrics.recordStartsRead.set(statistics.reads.starts)
    metrics.bytesRead.set(statistics.reads.bytes)
    metrics.readFailures.set(statistics.reads.failures)
    metrics.readNanoseconds.set(statistics.reads.nanosecondsTotal)
    metrics.partsWaitingForRecords.set(UInt64(recordWaiters.count))
    metrics.journalBlock.set(journal.durableBlockNumber)
    metrics.journalPosition.set(journal.durablePosition * UInt64(JournalLimits.recordAlignment))
    let counters = loop.counters
    metrics.bytesReceived.set(counters.bytesReceived)
    metrics.bytesSent.set(counters.bytesSent)
    metrics.turns.set(counters.turns)
    metrics.turnNanosecondsMax.set(counters.longestTurnNanoseconds)
    metrics.connectionsShed.set(counters.shed)
    metrics.sessionsHolding.set(UInt64(holding.count))
    metrics.partsWaiting.set(UInt64(waitingParts.count))
    metrics.partsHeld.set(UInt64(heldParts.count))
  }
}
