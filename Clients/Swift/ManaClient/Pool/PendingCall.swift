internal import ManaProtocol
internal import NIOCore

/// A call from its submission to its end.
///
/// Unchecked, because a caller hands it to the event loop once: what is constant is read by both, `stage` and
/// `continuation` are touched on the event loop alone.
final class PendingCall: @unchecked Sendable {
  typealias Continuation = CheckedContinuation<Result<ByteBuffer, ManaError>, Never>

  /// How far a call has come.
  enum Stage {
    /// Not on a connection yet.
    case waiting
    /// Given to a connection, under this correlation id.
    case sent(ConnectionHandler, correlation: UInt64)
    /// Its caller has its answer, or has given up before it was submitted.
    case ended
  }

  let opcode: Opcode
  /// A multiple of 8 bytes. Immutable, so that writing it copies nothing.
  let body: ByteBuffer
  /// CRC32C of the body, computed on the caller's thread.
  let bodyChecksum: UInt32
  /// For messages.
  let timeout: Duration
  let deadline: NIODeadline
  let transactionID: TransactionID?

  var stage = Stage.waiting
  private var continuation: Continuation?

  init(_ opcode: Opcode, _ body: ByteBuffer, timeout: Duration, transactionID: TransactionID?) {
    precondition(body.readableBytes % 8 == 0, "a body is padded to words")
    self.opcode = opcode
    self.body = body
    bodyChecksum = body.withUnsafeReadableBytes { crc32c($0) }
    self.timeout = timeout
    deadline = .now() + TimeAmount(bounded: timeout)
    self.transactionID = transactionID
  }

  /// Bytes of its frame.
  var frameBytes: Int { FrameHeader.bytes + body.readableBytes }

  var isSubmitted: Bool { continuation != nil }

  var hasEnded: Bool { if case .ended = stage { true } else { false } }

  /// Notes who waits for the answer.
  func submitted(_ continuation: Continuation) {
    precondition(self.continuation == nil, "a call is submitted once")
    self.continuation = continuation
  }

  /// Answers the caller, once; later answers are dropped.
  func end(_ result: Result<ByteBuffer, ManaError>) {
    stage = .ended
    continuation?.resume(returning: result)
    continuation = nil
  }

  /// An error of this call.
  func error(
    _ code: ManaError.Code, _ execution: ManaError.Execution, _ message: String, cause: (any Error)? = nil
  ) -> ManaError {
    ManaError(code, execution: execution, message: message, transactionID: transactionID, cause: cause)
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
