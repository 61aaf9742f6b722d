public import CoreMetrics
internal import ManaProtocol

#if DistributedTracingSupport
  public import Tracing
#endif

extension ManaClient {
  /// How a client connects and how long it waits. Every value has a default that is meant for production.
  public struct Configuration: Sendable {
    /// The pauses between attempts to connect: each is drawn from zero to a bound that doubles from attempt to attempt
    /// ("full jitter"), so that a thousand clients do not come back to a restarted server at once.
    public struct Backoff: Hashable, Sendable {
      /// The bound of the first pause.
      public var initial: Duration
      /// The bound that doubling ends at.
      public var max: Duration

      /// The defaults, but for what is given.
      public init(initial: Duration = .milliseconds(50), max: Duration = .seconds(5)) {
        self.initial = initial
        self.max = max
      }

      /// Traps with the reason when a value cannot be meant.
      func check() { precondition(initial > .zero && max >= initial, "pauses are positive and grow") }
    }

    /// Connections that are kept open, 1 to 64. All calls share them: a second one keeps small calls from waiting
    /// behind large batches.
    public var connectionCount = 2
    /// The deadline of calls that do not name their own.
    public var deadline: Duration = .seconds(10)
    /// How long one attempt to connect may take, name resolution and handshake included.
    public var connectTimeout: Duration = .seconds(5)
    /// The pauses between attempts to connect.
    public var backoff = Backoff()
    /// How concurrent single calls share requests.
    public var batching = Batching()
    /// How calls are repeated by themselves.
    public var retry = Retry()
    /// The ledger that is expected; the server refuses a client that expects another. Nil for any.
    public var ledger: LedgerID?
    /// How connections are encrypted, and whom they must lead to; nil for connections in the clear.
    public var tls: TLS?
    /// By what the server knows this client; nil where everybody is let in. What is refused for it fails with
    /// ``ManaError/Code/handshakeFailed``, what its roles do not allow with ``ManaError/Code/requestRefused``.
    public var credential: Credential?
    /// The name by which the server's log knows this client, at most 255 bytes.
    public var clientName = "ManaClient"
    /// Most calls that wait for a connection; one more fails at once with ``ManaError/Code/queueFull``.
    public var waitingCallsMax = 65_536
    /// Most bytes of calls that wait for a connection.
    public var waitingBytesMax = 64 << 20

    /// Where the client's metrics go; nil for the one that the process was set up with.
    public var metricsFactory: (any MetricsFactory)?

    #if DistributedTracingSupport
      /// What opens the spans of calls; nil for the tracer that the process was set up with when the client is made.
      public var tracer: (any Tracer)?
    #endif

    /// The defaults.
    public init() {}

    /// Traps with the reason when a value cannot be meant.
    func check() {
      precondition((1...ClientLimits.connectionsMax).contains(connectionCount), "1 to 64 connections")
      precondition(deadline > .zero && connectTimeout > .zero, "deadlines and timeouts are positive")
      batching.check()
      backoff.check()
      retry.check()
      tls?.check()
      precondition(clientName.utf8.count <= Limits.textBytesMax, "a client name has at most 255 bytes")
      precondition(
        (credential?.token.utf8.count ?? 0) <= ClientLimits.tokenBytesMax, "a token has at most 1,024 bytes")
      precondition(waitingCallsMax > 0 && waitingBytesMax >= Limits.frameBytesMax, "room for at least one call")
    }
  }
}
