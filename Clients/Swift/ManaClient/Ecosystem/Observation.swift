internal import ManaProtocol
internal import NIOCore

/// What is measured and traced of one call, from its beginning to its end.
struct Observation: Sendable {
  let opcode: Opcode
  let began = NIODeadline.now()
  fileprivate let metrics: ClientMetrics
  fileprivate let span: CallSpan?

  /// What the call's request tells the server of the trace that it belongs to.
  var trace: TraceContext? { span?.trace }

  /// The call is made once more, because of `error`.
  func repeats(attempt: Int, after error: ManaError) {
    metrics.repeats(opcode)
    span?.repeats(attempt: attempt, after: error)
  }

  /// The call was answered, with the status of its one transaction where it has one.
  func ended(_ status: Status = .ok) {
    metrics.ended(opcode, status == .ok ? .ok : .refused, after: age)
    span?.end(status)
  }

  /// The call failed.
  func ended(_ error: ManaError) {
    metrics.ended(opcode, .init(error), after: age)
    span?.end(error)
  }

  private var age: Duration { .nanoseconds((NIODeadline.now() - began).nanoseconds) }
}

extension ManaClient {
  /// Begins to observe a call.
  func observe(_ opcode: Opcode) -> Observation {
    Observation(opcode: opcode, metrics: metrics, span: tracing?.begin(opcode))
  }
}
