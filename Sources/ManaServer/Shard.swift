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
  let logger: Logger
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
  /// Parts from other shards, or from this one, that wait for room in the journal.
  var waitingParts: [Part] = []
  /// Executed parts whose block is not durable yet, oldest first.
  var heldParts: [Part] = []
  /// Requests of this shard's callers whose parts are under way.
  var gathers: [UInt64: Gather] = [:]
  var lastGather: UInt64 = 0
  /// Where the bodies of reads are written before their length is known.
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerLimits.replyBodyBytesMax, alignment: 64)
  /// The clock of this turn, nanoseconds since 1970.
  var now: UInt64 = 0
  var isDraining = false
  var isQuiet = false
  var isFinishing = false
  /// The journal is closed; the loop ends after this turn.
  var hasEnded = false
  var closingBlockTimer: Timer?
  /// The durable block when the closing-block timer was set.
  var closingBlockSeen: UInt64 = 0

  init(
    index: Int, context: ServerContext, loop: EventLoop, journal: Journal, ledger: consuming Ledger,
    coordinator: Coordinator?
  ) {
    self.index = index
    self.context = context
    self.loop = loop
    startedAt = loop.nowNanoseconds
    self.journal = journal
    self.ledger = ledger
    self.coordinator = coordinator
    mailbox = context.shards[index].mailbox
    gauges = context.shards[index].gauges
    logger = context.configuration.logger
  }

  deinit { scratch.deallocate() }

  /// Runs until the server has been drained. Blocks the calling thread.
  func run() {
    startTicking()
    loop.run(delegate: self)
    mailbox.close()
  }

  func startTicking() {
    loop.every(milliseconds: ServerLimits.tickMilliseconds) { [unowned self] in tick() }
  }

  // MARK: What the loop reports

  func accepted(_ connection: Connection) {
    gauges.connectionOpened()
    let session = Session(connection, acceptedAt: loop.nowNanoseconds)
    sessions[connection.id] = session
    if context.connectionCount > ServerLimits.connectionsMax {
      refuseConnection(
        session,
        ProtocolError(.tooManyConnections, "this server has its \(ServerLimits.connectionsMax) connections already"))
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
    session.stage = .closing
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
    let limit = loop.nowNanoseconds &- UInt64(Limits.handshakeMilliseconds) * 1_000_000
    for session in sessions.values where session.stage == .handshake && session.acceptedAt < limit {
      refuseConnection(
        session,
        ProtocolError(.handshakeTimeout, "no complete hello within \(Limits.handshakeMilliseconds) milliseconds"))
    }
    loop.waker.wake()
  }
}
