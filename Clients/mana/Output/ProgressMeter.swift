import ManaText

/// Shows on standard error how far a long command is: one line that is overwritten in a terminal, a line every two
/// seconds otherwise.
struct ProgressMeter {
  /// What is counted: "lines", "transactions".
  let unit: String
  let total: Int
  private let console: Console
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant
  private var isOnScreen = false

  init(_ unit: String, total: Int, console: Console) {
    self.unit = unit
    self.total = total
    self.console = console
    shown = start
  }

  /// Shows the state when the last time is long enough ago.
  mutating func update(_ done: Int) {
    let now = ContinuousClock.now
    guard now - shown >= (console.isProgressTerminal ? .milliseconds(100) : .seconds(2)) else { return }
    shown = now
    let line = Self.line(done: done, total: total, elapsed: now - start, unit: unit)
    console.progress(console.isProgressTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    isOnScreen = true
  }

  /// Removes the line from a terminal, where the summary will say the same better.
  mutating func finish() {
    guard isOnScreen, console.isProgressTerminal else { return }
    console.progress("\r\u{1B}[K")
    isOnScreen = false
  }

  /// `412,000 of 1,000,000 lines, 41 %, 206,000/s, 2 s left`. Rates are rounded down; what cannot be known is left out.
  static func line(done: Int, total: Int, elapsed: Duration, unit: String) -> String {
    var text = "\(NumberText.grouped(done)) of \(NumberText.grouped(total)) \(unit)"
    if total > 0 { text += ", \(done * 100 / total) %" }
    let milliseconds = Int(elapsed.milliseconds)
    guard milliseconds > 0, done > 0 else { return text }
    let (product, overflow) = done.multipliedReportingOverflow(by: 1000)
    let rate = overflow ? done / max(1, milliseconds / 1000) : product / milliseconds
    text += ", \(NumberText.grouped(rate))/s"
    if rate > 0, done < total { text += ", \(durationText(.seconds((total - done + rate - 1) / rate))) left" }
    return text
  }
}
