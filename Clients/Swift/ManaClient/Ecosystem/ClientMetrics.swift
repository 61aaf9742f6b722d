internal import CoreMetrics
internal import ManaProtocol

/// What a client measures, under names that ``ManaClient/ManaClient`` documents. Made once: a call finds its timer by
/// two small numbers.
///
/// Unchecked, because swift-metrics does not mark its timers and recorders as sendable; it requires of their backends
/// that they are used from any thread, and nothing here changes after it was made.
final class ClientMetrics: @unchecked Sendable {
  /// How a call ended.
  enum Outcome: Int, CaseIterable {
    case ok, refused, failed

    init(_ error: ManaError) { self = error.code == .refused ? .refused : .failed }
  }

  /// By opcode and outcome; none for what is no call.
  private let durations: [[Timer]]
  private let retries: [Opcode: Counter]
  private let transactions: Recorder
  private let connections: Gauge
  private let reconnections: Counter

  init(factory: any MetricsFactory) {
    let calls = Opcode.allCases.filter(\.isCall)
    durations = (0...UInt8.max).map { value in
      guard let opcode = Opcode(rawValue: value), opcode.isCall else { return [] }
      return Outcome.allCases.map { outcome in
        Timer(
          label: "mana.client.call.duration", dimensions: [("call", "\(opcode)"), ("outcome", "\(outcome)")],
          factory: factory)
      }
    }
    retries = Dictionary(
      uniqueKeysWithValues: calls.map { opcode in
        (opcode, Counter(label: "mana.client.retries", dimensions: [("call", "\(opcode)")], factory: factory))
      })
    transactions = Recorder(label: "mana.client.request.transactions", factory: factory)
    connections = Gauge(label: "mana.client.connections", factory: factory)
    reconnections = Counter(label: "mana.client.reconnections", factory: factory)
  }

  /// A call has ended.
  func ended(_ opcode: Opcode, _ outcome: Outcome, after duration: Duration) {
    let (seconds, attoseconds) = duration.components
    durations[Int(opcode.rawValue)][outcome.rawValue]
      .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// A call is made once more.
  func repeats(_ opcode: Opcode) { retries[opcode]?.increment() }

  /// A request with this many transactions is about to be sent.
  func posts(_ count: Int) { transactions.record(count) }

  /// This many connections are ready now.
  func connected(_ count: Int) { connections.record(count) }

  /// A connection was made in the place of one that had ended.
  func reconnected() { reconnections.increment() }
}

extension Opcode {
  /// Whether a client makes calls of this kind, after the handshake.
  fileprivate var isCall: Bool { ![.hello, .welcome, .goAway].contains(self) }
}
