/// Says when the next request is due. A value: it reads no clock.
struct Schedule: Sendable {
  /// What to do about the next request.
  enum Next: Equatable, Sendable {
    /// Send it; its latency begins at `intended`, or at once when that is nil.
    case send(intended: UInt64?)
    /// Not before this moment.
    case wait(until: UInt64)
    /// None any more.
    case end
  }

  private let pacing: Pacing
  private let startNanoseconds: UInt64
  private var sent: UInt64 = 0

  init(_ pacing: Pacing, startNanoseconds: UInt64) {
    self.pacing = pacing
    self.startNanoseconds = startNanoseconds
  }

  /// Constant time.
  func next(at now: UInt64) -> Next {
    if let deadline = pacing.deadlineNanoseconds, now >= deadline { return .end }
    guard let rate = pacing.requestsPerSecond else { return .send(intended: nil) }
    let due = moment(of: sent, rate)
    if let deadline = pacing.deadlineNanoseconds, due >= deadline { return .end }
    return now >= due ? .send(intended: due) : .wait(until: due)
  }

  /// The request that `next` spoke of is on its way.
  mutating func advance() { sent += 1 }

  /// How many requests of an open loop were due before the deadline and not sent.
  func overdue(at now: UInt64) -> UInt64 {
    guard let rate = pacing.requestsPerSecond, let deadline = pacing.deadlineNanoseconds else { return 0 }
    let due = (Double(min(now, deadline) - startNanoseconds) * rate / 1e9).rounded(.up)
    return UInt64(due) > sent ? UInt64(due) - sent : 0
  }

  private func moment(of index: UInt64, _ rate: Double) -> UInt64 {
    startNanoseconds + UInt64(Double(index) * 1e9 / rate)
  }
}
