internal import ManaProtocol
internal import NIOCore

/// A call from its submission to its end.
///
/// Unchecked, because a caller hands it to the event loop once: what is constant is read by both, what varies is touched
/// on the event loop alone from then on.
final class PendingCall: @unchecked Sendable {
  /// Not a checked one, which is a block of memory more: `submitted` and `end` see to it that it is resumed once.
  typealias Continuation = UnsafeContinuation<Result<Reply, ManaError>, Never>

  /// What answers a call.
  enum Reply: Sendable {
    /// The body of the reply to its own request.
    case body(ByteBuffer)
    /// Its share of the reply to a request that it shared.
    case item(ItemResult)
  }

  /// How far a call has come.
  enum Stage {
    /// Not on a connection yet.
    case waiting
    /// Given to a connection, under this correlation id.
    case sent(ConnectionHandler, correlation: UInt64)
    /// On its way in a request that carries it.
    case carried
    /// Its caller has its answer, or has given up before it was submitted.
    case ended
  }

  let opcode: Opcode
  /// A multiple of 8 bytes; nil for a call that may share a request, since even an empty buffer is counted, by all threads
  /// at once. Given back when the call ends, as the payload is: the queue of deadlines keeps ended calls for a while, and
  /// a batch has half a megabyte.
  private(set) var body: ByteBuffer?
  /// Which trace the request belongs to.
  let trace: TraceContext?
  /// What its frame has behind the 32 bytes of the header: the trace context, if there is one, and the body.
  private(set) var payload: ByteBuffer?
  /// CRC32C of the payload, computed on the caller's thread.
  let payloadChecksum: UInt32
  /// What the call posts when it may share a request; it has no body then.
  let posting: Posting?
  /// The calls that this request carries.
  let members: [PendingCall]
  let created: NIODeadline
  /// For messages.
  let timeout: Duration
  let deadline: NIODeadline
  let transactionID: TransactionID?

  var stage = Stage.waiting
  private var continuation: Continuation?

  /// A request of its own.
  convenience init(
    _ opcode: Opcode, _ body: ByteBuffer, timeout: Duration, created: NIODeadline, transactionID: TransactionID?,
    trace: TraceContext?
  ) {
    self.init(
      opcode, body, posting: nil, members: [], timeout: timeout, created: created, transactionID: transactionID,
      trace: trace)
  }

  /// A call that may share a request.
  convenience init(
    _ opcode: Opcode, _ posting: Posting, timeout: Duration, created: NIODeadline, trace: TraceContext?
  ) {
    self.init(
      opcode, nil, posting: posting, members: [], timeout: timeout, created: created,
      transactionID: TransactionID(posting.item.id), trace: trace)
  }

  init(
    _ opcode: Opcode, _ body: ByteBuffer?, posting: Posting?, members: [PendingCall], timeout: Duration,
    created: NIODeadline, transactionID: TransactionID?, trace: TraceContext?
  ) {
    precondition((body?.readableBytes ?? 0) % 8 == 0, "a body is padded to words")
    self.opcode = opcode
    self.body = body
    self.posting = posting
    self.members = members
    self.created = created
    self.trace = trace
    payload = body.map { body in trace.map { $0.before(body) } ?? body }
    payloadChecksum = payload?.withUnsafeReadableBytes { crc32c($0) } ?? 0
    self.timeout = timeout
    deadline = created + TimeAmount(bounded: timeout)
    self.transactionID = transactionID
  }

  deinit { assert(continuation == nil, "a call that was submitted is answered") }

  /// Bytes of its frame; of the frame that it would be alone, for a call that may share one.
  var frameBytes: Int {
    guard let posting else { return FrameHeader.bytes + (payload?.readableBytes ?? 0) }
    return headerBytes + BatchView.bodyBytes(count: 1, textBytes: posting.bytes - Item.bytes)
  }

  /// Bytes of the header of its frame.
  var headerBytes: Int { FrameHeader.bytes + (trace == nil ? 0 : TraceContext.bytes) }

  var isSubmitted: Bool { continuation != nil }

  var hasEnded: Bool { if case .ended = stage { true } else { false } }

  /// Whether somebody waits for the answer: of a request that carries calls, one of their callers.
  var isAwaited: Bool { members.isEmpty ? !hasEnded : members.contains { !$0.hasEnded } }

  /// Notes who waits for the answer.
  func submitted(_ continuation: Continuation) {
    precondition(self.continuation == nil, "a call is submitted once")
    self.continuation = continuation
  }

  /// Answers the caller, once; later answers are dropped.
  func end(_ result: Result<Reply, ManaError>) {
    stage = .ended
    (body, payload) = (nil, nil)
    if !members.isEmpty { return endMembers(result) }
    continuation?.resume(returning: result)
    continuation = nil
  }

  /// An error of this call.
  func error(
    _ code: ManaError.Code, _ execution: ManaError.Execution, _ message: String, status: Status? = nil,
    cause: (any Error)? = nil
  ) -> ManaError {
    ManaError(
      code, execution: execution, message: message, status: status, transactionID: transactionID, cause: cause)
  }
}

extension TraceContext {
  /// The extension of the header with the body behind it. Copies the body.
  fileprivate func before(_ body: ByteBuffer) -> ByteBuffer {
    var payload = ByteBuffer()
    payload.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bytes + body.readableBytes) {
      store(to: $0.baseAddress!)
      return Self.bytes
    }
    payload.writeImmutableBuffer(body)
    return payload
  }
}

extension TimeAmount {
  /// The duration, with bounds that keep the event loop's arithmetic from overflowing.
  init(bounded duration: Duration) {
    let longest = Duration.seconds(ClientLimits.durationSecondsMax)
    let (seconds, attoseconds) = min(max(duration, .zero), longest).components
    self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
