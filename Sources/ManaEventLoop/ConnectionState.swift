import CLibuv

/// What a connection is, at an address that libuv's callbacks know, so that an event costs no reference counting.
///
/// The state lives as long as the `Connection` that shows it to the server; the loop holds that object until `closed`
/// was reported. The libuv handle is allocated apart, because it must outlive its close callback and nothing else.
///
///     open ──peer's FIN──▶ peerEnded ──turn──▶ flushing ──all sent──▶ lingering ──▶ closing ──▶ closed
///       └────close(afterFlushing: true)───────────▲                                   ▲
///       └────an error, close(afterFlushing: false), from any phase before─────────────┘
struct ConnectionState {
  enum Phase: UInt8, Comparable {
    /// Reads and writes.
    case open
    /// The peer will send no more; what the next turn commits is still sent.
    case peerEnded
    /// No output is accepted any more; what is pending is sent.
    case flushing
    /// Everything was sent, and our FIN. What the peer still sends is read and dropped: closing a socket with unread
    /// input resets the connection, which may take our last words away from the peer.
    case lingering
    /// The handle is closing.
    case closing
    /// The handle is gone.
    case closed

    static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
  }

  /// What the delegate has not been told yet.
  struct DueEvents: OptionSet {
    let rawValue: UInt8
    static let accepted = DueEvents(rawValue: 1)
    static let received = DueEvents(rawValue: 2)
    static let drained = DueEvents(rawValue: 4)
    static let closed = DueEvents(rawValue: 8)
  }

  /// Valid until the phase is `closed`.
  let loop: LoopPointer
  /// The object that shows this state; the loop's reference to it, until `closed` was reported.
  var facade: Unmanaged<Connection>?
  var stream: UnsafeMutablePointer<uv_stream_t>?

  var phase = Phase.open
  var due: DueEvents = []
  var reason = CloseReason.closedByUs
  /// The server does not want more input.
  var isPaused = false
  /// libuv has been told to read.
  var isReading = false
  /// Bytes went in or out since the connection was last settled.
  var hasMoved = false

  // The list of all connections of the loop.
  var previous: ConnectionPointer?
  var next: ConnectionPointer?

  // The list of connections that this iteration concerns.
  var isTouched = false
  var nextTouched: ConnectionPointer?

  // Input: at most one buffer, whose bytes from start to end are unread.
  var input: BufferPointer?
  /// Length of the frame at the front of the input, if the server has said so.
  var expectedBytes = 0
  /// The loop's limit, which outlives the loop here.
  let inputBytesMax: Int
  var receivedThisTurn = 0
  /// What a turn brings at most, of late; decays. Decides how large a buffer the next turn begins with.
  var receivedPeak = 0

  // Output: a chain of buffers that fills, and the chain that libuv is writing.
  var outputHead: BufferPointer?
  var outputTail: BufferPointer?
  var pendingBytes = 0
  var reservedBytes = 0
  var inFlight: BufferPointer?
  /// The backlog has been at or above the low-water mark since it was last reported as drained.
  var wasHigh = false

  /// Nil for a connection in the clear.
  var tls: TLSPointer?

  var lastMovedNanoseconds: UInt64
  /// When flushing and lingering end at the latest.
  var deadlineNanoseconds: UInt64 = 0

  init(loop: LoopPointer) {
    self.loop = loop
    self.inputBytesMax = loop.pointee.options.inputBytesMax
    self.lastMovedNanoseconds = loop.pointee.nowNanoseconds
  }
}

typealias ConnectionPointer = UnsafeMutablePointer<ConnectionState>

extension UnsafeMutablePointer<ConnectionState> {
  /// Notes that this iteration concerns the connection: it is reported if something is due, and settled.
  func touch() {
    if pointee.isTouched { return }
    pointee.isTouched = true
    pointee.loop.appendTouched(self)
  }

  func raise(_ event: ConnectionState.DueEvents) {
    pointee.due.formUnion(event)
    pointee.loop.pointee.hasDueEvents = true
    touch()
  }

  /// Output committed now can still reach the peer.
  var acceptsOutput: Bool { pointee.phase <= .peerEnded }

  /// Bytes that were committed and that the kernel has not taken.
  var backlog: Int {
    let pending = pointee.pendingBytes + (pointee.tls?.pointee.pendingBytes ?? 0)
    guard let stream = pointee.stream, pointee.inFlight != nil else { return pending }
    return pending + uv_stream_get_write_queue_size(stream)
  }

  /// Bytes of the buffers that settling does not give back.
  var bufferBytes: Int {
    var bytes = unreadBytes > 0 ? pointee.input?.pointee.capacity ?? 0 : 0
    for chain in [
      pointee.pendingBytes > 0 ? pointee.outputHead : nil, pointee.tls?.pointee.outputHead, pointee.inFlight,
    ] {
      var cursor = chain
      while let buffer = cursor {
        bytes += buffer.pointee.capacity
        cursor = buffer.pointee.next
      }
    }
    return bytes
  }

  /// Does what the turn has left to do for this connection.
  func settle() {
    settleInput()
    if pointee.phase < .closing { flush() }
    if pointee.phase == .peerEnded { beginFlushing(reason: .peerClosed) }
    if pointee.phase == .flushing { finishFlushing() }
    if pointee.hasMoved {
      pointee.hasMoved = false
      pointee.lastMovedNanoseconds = pointee.loop.pointee.nowNanoseconds
    }
    // What settling has brought about is reported in the next iteration, for which the loop does not wait.
    if !pointee.due.isEmpty { touch() }
  }

  func checkInvariants() {
    var pending = 0
    var cursor = pointee.outputHead
    var tail: BufferPointer?
    while let buffer = cursor {
      pending += buffer.count
      tail = buffer
      cursor = buffer.pointee.next
    }
    precondition(pending == pointee.pendingBytes && tail == pointee.outputTail)
    precondition((pointee.stream == nil) == (pointee.phase == .closed))
    precondition(!pointee.isReading || pointee.phase < .closing)
    if let input = pointee.input {
      precondition(0 <= input.pointee.start && input.pointee.start <= input.pointee.end)
      precondition(input.pointee.end <= input.pointee.capacity)
    }
  }
}
