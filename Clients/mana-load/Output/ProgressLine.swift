import ManaText

/// Progress on standard error: one line that is overwritten every second on a terminal, a line every two seconds
/// elsewhere.
struct ProgressLine: Sendable {
  private let isTerminal: Bool
  private let isSilent: Bool
  private var nextNanoseconds: UInt64 = 0
  private var shown = false

  init(isTerminal: Bool = System.standardErrorIsTerminal(), isSilent: Bool = false) {
    self.isTerminal = isTerminal
    self.isSilent = isSilent
  }

  /// A second of a run.
  mutating func show(_ sample: Sample, _ phase: String, now: UInt64) {
    guard isDue(now) else { return }
    let latency =
      sample.p50 > 0 ? "p50 \(Text.latency(sample.p50))   p99 \(Text.latency(sample.p99))" : "no replies"
    write(
      "\(phase) \(NumberText.fixed(sample.seconds, places: 0)) s   \(NumberText.grouped(sample.transactionsPerSecond)) transactions/s"
        + "   \(latency)")
  }

  /// How far something of known size is.
  mutating func show(_ done: Int, of total: Int, _ what: String, now: UInt64) {
    guard done > 0, isDue(now) else { return }
    write("\(NumberText.grouped(done)) of \(NumberText.grouped(total)) \(what) (\(done * 100 / max(1, total)) %)")
  }

  /// Leaves a terminal with an empty line, for what is printed next.
  mutating func end() {
    if isTerminal && shown { emit("\r\u{1B}[K") }
    shown = false
  }

  private mutating func isDue(_ now: UInt64) -> Bool {
    guard !isSilent, now >= nextNanoseconds else { return false }
    // The first line waits for the second call, so that what ends at once shows nothing. The slack lets a sample that is
    // a little early have its line.
    let interval: UInt64 = isTerminal ? 900_000_000 : 1_900_000_000
    defer { nextNanoseconds = now + interval }
    return nextNanoseconds > 0
  }

  private mutating func write(_ line: String) {
    emit(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
    shown = true
  }

  private func emit(_ text: String) {
    do throws(SystemError) {
      try System.write(text, to: 2)
    } catch {
      // Nobody reads the progress any more; the result does not depend on it.
    }
  }
}
