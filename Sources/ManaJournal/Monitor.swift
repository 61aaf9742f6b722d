/// A value shared between threads, with a way to wait until it is as one needs it.
///
/// The mutex and the condition sit on futexes: where nobody waits, a change costs no system call.
final class Monitor<State>: @unchecked Sendable {
  // Unchecked: `state` is touched only while `condition` is locked.
  private var state: State
  private let condition = System.Condition()

  init(_ state: consuming sending State) { self.state = state }

  /// Reads or changes the value without waking anyone.
  func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    return body(&state)
  }

  /// Changes the value and wakes everyone who waits for a change.
  func update<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    let result = body(&state)
    condition.unlock()
    condition.broadcast()
    return result
  }

  /// Waits until `body` returns something; `body` sees the value at once and after each update.
  func wait<Result>(for body: (inout State) -> Result?) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&state) { return result }
      condition.wait()
    }
  }

  /// The same, but no longer than `nanoseconds`.
  func wait<Result>(atMost nanoseconds: UInt64, for body: (inout State) -> Result?) -> Result? {
    let deadline = System.monotonicNanoseconds() + nanoseconds
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&state) { return result }
      if System.monotonicNanoseconds() >= deadline { return nil }
      condition.wait(until: deadline)
    }
  }
}
