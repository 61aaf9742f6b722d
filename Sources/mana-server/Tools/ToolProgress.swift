import Glibc

/// Shows on standard error how far a tool is that takes more than two seconds: one line that is overwritten in a
/// terminal, a line every two seconds otherwise.
struct ToolProgress {
  private let verb: String
  private let total: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant
  private var done = 0
  private var isOnScreen = false

  /// `verb` is what is being done; `total` the bytes that there are.
  init(_ verb: String, total: Int) {
    self.verb = verb
    self.total = total
    shown = start
  }

  /// So many more bytes are done.
  mutating func add(_ bytes: Int) {
    done += bytes
    let now = ContinuousClock.now
    let pause: Duration = isTerminal && isOnScreen ? .milliseconds(100) : .seconds(2)
    guard now - shown >= pause else { return }
    shown = now
    let line = Self.line(verb: verb, done: done, total: total, elapsed: now - start)
    StandardError.tell(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    isOnScreen = true
  }

  /// Removes the line from a terminal.
  mutating func finish() {
    if isOnScreen, isTerminal { StandardError.tell("\r\u{1B}[K") }
    isOnScreen = false
  }

  /// `verified 1.2 GB of 3.4 GB, 35 %, 240.0 MB/s`.
  static func line(verb: String, done: Int, total: Int, elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    var line = "\(verb) \(ToolText.bytes(done))"
    if total > 0 { line += " of \(ToolText.bytes(max(total, done))), \(min(100, done * 100 / total)) %" }
    if seconds > 0 { line += ", \(ToolText.bytes(Int(Double(done) / seconds)))/s" }
    return line
  }
}
