public import ManaProtocol

/// What went wrong with a call, and what that means for it.
///
/// ``execution`` is what a caller acts on: a call that was not executed can be repeated or given up; one whose
/// execution is unknown should be repeated **with the same** ``transactionID``, which charges at most once.
public struct ManaError: Error, Sendable {
  /// The kind of an error. More may be added, so compare with those that matter to you.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind, as it stands here.
    public let description: String

    /// The ledger refused the transaction or the question; ``ManaError/status`` says why.
    public static let refused = Code(description: "refused")
    /// The server refused the request as a whole, or is overloaded, full or shutting down; see ``ManaError/status``.
    public static let requestRefused = Code(description: "requestRefused")
    /// The arguments cannot be meant; nothing was sent.
    public static let invalidArgument = Code(description: "invalidArgument")
    /// No connection was to be had within the deadline; ``ManaError/cause`` is the last attempt's error.
    public static let notConnected = Code(description: "notConnected")
    /// The connection ended while the call was on its way.
    public static let connectionLost = Code(description: "connectionLost")
    /// The deadline passed.
    public static let deadlineExceeded = Code(description: "deadlineExceeded")
    /// The calling task was cancelled.
    public static let cancelled = Code(description: "cancelled")
    /// A Mana server answered, and would not have this client.
    public static let handshakeFailed = Code(description: "handshakeFailed")
    /// Something answered that is not a Mana server.
    public static let notManaServer = Code(description: "notManaServer")
    /// No connection that can be trusted: what answered does not speak TLS, or is not whom its certificate must show, or
    /// refuses this client's certificate, or the files for TLS cannot be used.
    public static let tlsFailed = Code(description: "tlsFailed")
    /// More calls wait for a connection than the configuration allows.
    public static let queueFull = Code(description: "queueFull")
    /// The server's reply does not follow the protocol.
    public static let malformedReply = Code(description: "malformedReply")
    /// ``ManaClient/run()`` was never called, so that the client has no connections.
    public static let runNotCalled = Code(description: "runNotCalled")
    /// ``ManaClient/run()`` has ended.
    public static let shutDown = Code(description: "shutDown")
  }

  /// What became of the call.
  public enum Execution: Hashable, Sendable {
    /// Nothing of it was or will be applied.
    case notExecuted
    /// It was applied, and something went wrong afterwards.
    case executed
    /// It may have been applied. Repeating it with the same transaction id applies it at most once.
    case unknown
  }

  /// Everything that an error carries.
  struct Fields: Sendable {
    var code: Code
    var execution: Execution
    var message: String
    var status: Status?
    var refusal: Refusal?
    var transactionID: TransactionID?
    var retryAfter: Duration?
    var cause: (any Error)?
  }

  /// Boxed, so that a function which can throw an error has room for one word of it and not for all of it.
  private final class Box: Sendable {
    let fields: Fields
    init(_ fields: Fields) { self.fields = fields }
  }

  private let box: Box

  /// The kind of the error.
  public var code: Code { box.fields.code }
  /// What became of the call.
  public var execution: Execution { box.fields.execution }
  /// What happened, in a sentence that is safe to log.
  public var message: String { box.fields.message }
  /// The server's status, when the server has spoken.
  public var status: Status? { box.fields.status }
  /// The figures of a refused transaction.
  public var refusal: Refusal? { box.fields.refusal }
  /// The transaction that the call was about, to repeat it with.
  public var transactionID: TransactionID? { box.fields.transactionID }
  /// How long the server asks to wait before the call is repeated.
  public var retryAfter: Duration? { box.fields.retryAfter }
  /// The error beneath this one.
  public var cause: (any Error)? { box.fields.cause }

  /// Makes an error. Useful for tests of code that catches them.
  public init(
    _ code: Code, execution: Execution, message: String, status: Status? = nil, refusal: Refusal? = nil,
    transactionID: TransactionID? = nil, retryAfter: Duration? = nil, cause: (any Error)? = nil
  ) {
    box = Box(
      Fields(
        code: code, execution: execution, message: message, status: status, refusal: refusal,
        transactionID: transactionID, retryAfter: retryAfter, cause: cause))
  }

  /// The same error with other fields.
  init(_ error: ManaError, _ change: (inout Fields) -> Void) {
    var fields = error.box.fields
    change(&fields)
    box = Box(fields)
  }

  /// Whether the same call, with the same transaction id, may succeed later without anything being changed in it.
  public var isRetryable: Bool {
    if let status, status != .ok { return status.isRetryable || status == .deadlineExceeded }
    let retryable: [Code] = [.notConnected, .connectionLost, .deadlineExceeded, .queueFull]
    return retryable.contains(code)
  }
}

extension ManaError: CustomStringConvertible {
  /// Code, message, what became of the call, the transaction's id and the cause. Safe to log: no text of a transaction,
  /// no secret.
  public var description: String {
    let outcome =
      switch execution {
      case .notExecuted: "not executed"
      case .executed: "executed"
      case .unknown: "execution unknown; repeating it with the same id is safe"
      }
    var text = "\(code): \(message) [\(outcome)"
    if let transactionID { text += "; transaction \(transactionID)" }
    if let retryAfter { text += "; retry after \(retryAfter)" }
    text += "]"
    if let cause { text += ", because of \(cause)" }
    return text
  }
}
