import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// One shard: a loop, a journal, a ledger, and the connections whose callers were assigned to it. Everything here
/// happens on the loop's thread; other shards are reached through mailboxes only.
///
/// The way of a charge is in `Shard+Turn.swift`: callbacks only note what arrived, and one turn of the loop executes,
/// journals and replies.
final class Shard: EventLoopDelegate {
  let index: Int
  let context: ServerContext
  let loop: EventLoop
  /// On the loop's clock, in nanoseconds.
  let startedAt: UInt64
  let mailbox: Mailbox<ShardMessage>
  let gauges: ShardGauges
  let metrics: ShardMetrics
  let logger: Logger
  let directory: DataDirectory
  let journal: Journal
  var ledger: Ledger
  /// Only shard 0 has one: it tells the others when to begin and when to end.
  var coordinator: Coordinator?

  /// By connection id.
  var sessions: [UInt64: Session] = [:]
  /// Sessions with input to look at, in the order in which they get their turn.
  var runnable: [Session] = []
  /// Sessions that hold replies for a block that is not durable yet.
  var holding: [Session] = []
  /// Those of either list whose turn it is: swapped with the list, so that a turn allocates nothing.
  var inTurn: [Session] = []
  /// Sessions that have had their turn and could go on.
  var yielding: [Session] = []
  /// Items executed so far, of other shards' requests or of this one's.
  var itemsInTurn = 0
  /// Bytes of memory that the held replies of all sessions take.
  var heldBytes = 0
  /// What the connections of this shard may hold in memory, in bytes.
  let memoryBytesMax: Int
  /// Parts from other shards, or from this one, that wait for room in the journal.
  var waitingParts: [Part] = []
  /// Parts that wait for a record which is not in memory, or behind such a one of the same connection.
  var recordWaiters: [Part] = []
  /// What the refund of the earliest settlement waits for, and has waited for.
  var expiryAbsent: AbsentRecord?
  var expiryPinned: PinnedRecords?
  /// How often in a row that could not be read.
  var expiryFailures = 0
  /// Where the ledger finds records that are not in memory.
  let records: ShardRecords
  /// Executed parts whose block is not durable yet, oldest first.
  var heldParts: [Part] = []
  /// Requests of this shard's callers whose parts are under way.
  var gathers: [UInt64: Gather] = [:]
  var lastGather: UInt64 = 0
  /// What the input of the session that is executed holds.
  var ahead = FramesAhead()
  /// Who was the only one to ask for anything, and in how many turns in a row; see `Shard+Lonely.swift`.
  var lonelyConnection: UInt64 = 0
  var lonelyTurns = 0
  /// Where the bodies of reads are written before their length is known.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerLimits.replyBodyBytesMax, alignment: 64)
  /// The clock of this turn, nanoseconds since 1970.
  var now: UInt64 = 0
  /// On shard 0: a signal to end has come, or a caller's wish for that.
  var hasEndingSignal = false
  var isDraining = false
  var isQuiet = false
  var isFinishing = false
  /// Somebody is in a hurry: no checkpoint is made at the end.
  var endsAtOnce = false
  /// The journal is closed; the loop ends after this turn.
  var hasEnded = false
  var closingBlockTimer: Timer?
  /// Has memory touched that the ledger will take next; none in a simulation.
  var tableMemory: TableMemory?
  /// When the next checkpoint is due, the one that is being made, and the thread that makes them, from the first one on.
  var checkpointPlan: CheckpointPlan
  var checkpointInMaking: CheckpointInMaking?
  var checkpointThread: Worker?
  /// The blocks when metrics were last published.
  var blocksPublished: UInt64 = 0
  /// The durable block when the closing-block timer was set.
  var closingBlockSeen: UInt64 = 0

  init(
    index: Int, context: ServerContext, loop: EventLoop, directory: DataDirectory, journal: Journal,
    ledger: consuming Ledger, records: ShardRecords, coordinator: Coordinator?
  ) {
    self.directory = directory
    checkpointPlan = CheckpointPlan(
      bytes: context.configuration.checkpointBytes, recovered: journal.statistics.recovery)
    self.records = records
    self.index = index
    self.context = context
    self.loop = loop
    startedAt = loop.nowNanoseconds
    self.journal = journal
    self.ledger = ledger
    self.coordinator = coordinator
    mailbox = context.shards[index].mailbox
    gauges = context.shards[index].gauges
    metrics = context.shards[index].metrics
    metrics.checkpointBlock.set(journal.statistics.recovery.checkpointBlock)
    metrics.checkpointBytes.set(UInt64(journal.statistics.recovery.checkpointBytes))
    metrics.recoveryNanoseconds.set(journal.statistics.recovery.nanoseconds)
    logger = context.configuration.logger
    memoryBytesMax = context.configuration.connectionMemoryShare(shardCount: context.shards.count)
  }

  deinit { scratch.deallocate() }

  /// Runs until the server has been drained. Blocks the calling thread.
  func run() {
    startTicking()
    startTableMemory()
    // Before the ledger goes, whose memory it touches.
    defer {
      tableMemory?.end()
      endCheckpointThread()
    }
    loop.run(delegate: self)
    mailbox.close()
  }

  private func startTableMemory() {
    let waker = loop.waker
    do throws(EventLoopError) {
      tableMemory = try TableMemory(shard: index) { waker.wake() }
    } catch {
      // The ledger then does it itself, in the middle of a batch.
      logger.warning("memory is not touched ahead", metadata: ["shard": "\(index)", "error": "\(error)"])
    }
  }

  func startTicking() {
    loop.every(milliseconds: ServerLimits.tickMilliseconds) { [unowned self] in tick() }
  }

  // MARK: What the loop reports

  func accepted(_ connection: Connection) {
    gauges.connectionOpened()
    let session = Session(connection, acceptedAt: loop.nowNanoseconds)
    sessions[connection.id] = session
    let connectionsMax = context.configuration.connectionsMax
    if context.connectionCount > connectionsMax {
      refuseConnection(
        session, ProtocolError(.tooManyConnections, "this server has its \(connectionsMax) connections already"))
    }
  }

  func received(_ connection: Connection) {
    guard let session = sessions[connection.id] else { return }
    session.arrivals.note(unread: connection.input.count, at: loop.nowNanoseconds)
    makeRunnable(session)
  }

  func closed(_ connection: Connection, _ reason: CloseReason) {
    gauges.connectionClosed()
    guard let session = sessions.removeValue(forKey: connection.id) else { return }
    if case .tlsFailed(let reason) = reason { auditRefusal(of: session, "tlsFailed", reason: reason) }
    session.stage = .closing
    leave(session)
    heldBytes -= session.heldBytesCounted
    session.heldBytesCounted = 0
    logger.debug("connection closed", metadata: ["peer": "\(connection.peer)", "reason": "\(reason)"])
  }

  func drained(_ connection: Connection) {
    if let session = sessions[connection.id] { makeRunnable(session) }
  }

  /// Puts a session into the list of those whose input is looked at in this turn.
  func makeRunnable(_ session: Session) {
    guard !session.isRunnable, session.stage != .closing else { return }
    session.isRunnable = true
    runnable.append(session)
  }

  /// Whether callers of this shard wait for an answer.
  var hasRequestsInFlight: Bool { !gathers.isEmpty || sessions.values.contains { $0.requestsInFlight > 0 } }

  private func tick() {
    gauges.ticked(at: loop.nowNanoseconds)
    if index == 0 {
      context.configuration.observe?(.turning(silentNanoseconds: context.silentNanoseconds(at: loop.nowNanoseconds)))
    }
    endLateHandshakes()
    endIdleConnections()
    // Where the journal has no threads of its own, a simulation takes that step, too.
    if context.conditions.onJournalFailure == nil { keepCheckpoints() }
    loop.waker.wake()
  }
}
