// The spans of a client's calls, under names that ``ManaClient/ManaClient`` documents. Source of the attributes:
// OpenTelemetry's semantic conventions for RPC.

internal import ManaProtocol

#if DistributedTracingSupport
  internal import Tracing

  /// Opens a span for each call. There is none where no tracer is set up, so that calls cost nothing more then.
  struct CallTracing: Sendable {
    private let tracer: any Tracer
    private let server: SpanAttributes

    init?(_ configuration: ManaClient.Configuration, to address: ManaAddress) {
      tracer = configuration.tracer ?? InstrumentationSystem.tracer
      if tracer is NoOpTracer { return nil }
      var attributes: SpanAttributes = [:]
      attributes["rpc.system"] = "mana"
      attributes["rpc.service"] = CallSpan.service
      switch address {
      case .hostPort(let host, let port):
        attributes["server.address"] = host
        attributes["server.port"] = port
      case .unixSocket(let path): attributes["server.address"] = path
      }
      server = attributes
    }

    func begin(_ opcode: Opcode) -> CallSpan {
      let span = tracer.startSpan("\(CallSpan.service)/\(opcode)", ofKind: .client)
      if span.isRecording {
        span.updateAttributes { attributes in
          attributes.merge(server)
          attributes["rpc.method"] = "\(opcode)"
        }
      }
      var traceparent: String?
      tracer.inject(span.context, into: &traceparent, using: TraceparentInjector())
      return CallSpan(span: span, trace: traceparent.flatMap { TraceContext(traceparent: $0) })
    }
  }

  /// The span of a call.
  struct CallSpan: Sendable {
    static let service = "mana.Ledger"

    fileprivate let span: any Span
    let trace: TraceContext?

    /// The call is made once more, because of `error`.
    func repeats(attempt: Int, after error: ManaError) {
      span.addEvent(
        SpanEvent(
          name: "retry", attributes: ["mana.attempt": .int64(Int64(attempt)), "error.type": .string(error.kind)]))
    }

    func end(_ status: Status) {
      span.attributes["rpc.response.status_code"] = status.name
      if status != .ok { fail(status.name, Refusal.sentence(for: status)) }
      span.end()
    }

    func end(_ error: ManaError) {
      span.attributes["rpc.response.status_code"] = error.status?.name
      fail(error.kind, error.message)
      span.end()
    }

    private func fail(_ kind: String, _ message: String) {
      span.attributes["error.type"] = kind
      span.setStatus(SpanStatus(code: .error, message: message))
    }
  }

  /// Takes W3C's `traceparent` from what a tracer would send along: the protocol carries nothing else.
  private struct TraceparentInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout String?) {
      if key.lowercased() == "traceparent" { carrier = value }
    }
  }

  extension ManaError {
    /// What happened, by the name of the status where the server gave one.
    fileprivate var kind: String { status?.name ?? code.description }
  }
#else
  /// Without swift-distributed-tracing there are no spans.
  struct CallTracing: Sendable {
    init?(_ configuration: ManaClient.Configuration, to address: ManaAddress) { return nil }
    func begin(_ opcode: Opcode) -> CallSpan { preconditionFailure("no calls are traced") }
  }

  /// Never made.
  enum CallSpan: Sendable {
    var trace: TraceContext? { nil }
    func repeats(attempt: Int, after error: ManaError) {}
    func end(_ status: Status) {}
    func end(_ error: ManaError) {}
  }
#endif
