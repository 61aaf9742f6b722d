/// What is being done, on standard error: a line that is overwritten on a terminal, a line a step elsewhere.
final class Progress {
  private let isTerminal = System.isTerminal(2)
  private var step = ""
  private var began: UInt64 = 0
  private var shownSeconds: UInt64 = .max

  /// A new step begins.
  func begin(_ step: String) {
    self.step = step
    began = System.now()
    shownSeconds = .max
    if isTerminal { show() } else { System.write(step + "\n", to: 2) }
  }

  /// Time passes.
  func show() {
    let seconds = (System.now() - began) / 1_000_000_000
    guard isTerminal, seconds != shownSeconds else { return }
    shownSeconds = seconds
    System.write("\r\u{1B}[K\(step)  \(seconds) s", to: 2)
  }

  /// Leaves an empty line for what is printed next.
  func end() {
    if isTerminal { System.write("\r\u{1B}[K", to: 2) }
  }
}
