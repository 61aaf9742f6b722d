/// Bounds how many lines a kind of event has in the log, and counts the rest: callers decide how often some events
/// happen, and a flood of one must not push the others out, nor fill a disk.
///
/// A plain state machine: the first event of a kind begins a window of a minute, in which so many are written; when it
/// has ended, one line says how many were not.
struct LogLimiter {
  /// What was left out of one window.
  struct Omission: Equatable {
    let kind: String
    /// The raw value of the level of the last of them.
    let level: String
    let count: Int
  }

  private struct Window {
    let begin: ContinuousClock.Instant
    var written = 0
    var omitted = 0
    var level = ""
  }

  static let window: Duration = .seconds(60)

  /// Kinds are texts in the program, a few dozen; should somebody put what callers send into one, those past this many
  /// share a window.
  static let kindsMax = 256
  private static let otherKinds = "other events"

  /// Most lines of a kind in a window; 0 for all.
  let linesMax: Int
  private var windows: [String: Window] = [:]

  init(linesMax: Int) { self.linesMax = linesMax }

  /// Whether an event is written. What is not, is counted.
  mutating func admits(_ kind: String, level: String, at now: ContinuousClock.Instant) -> Bool {
    guard linesMax > 0 else { return true }
    let kind = windows[kind] != nil || windows.count < Self.kindsMax ? kind : Self.otherKinds
    var window = windows[kind] ?? Window(begin: now)
    let isAdmitted = window.written < linesMax
    if isAdmitted { window.written += 1 } else { window.omitted += 1 }
    window.level = level
    windows[kind] = window
    return isAdmitted
  }

  /// Ends the windows whose time is over, or all: what was left out of them, by kind.
  mutating func endWindows(at now: ContinuousClock.Instant, all: Bool = false) -> [Omission] {
    guard !windows.isEmpty else { return [] }
    let over = windows.filter { all || now - $0.value.begin >= Self.window }
    for kind in over.keys { windows[kind] = nil }
    return over.filter { $0.value.omitted > 0 }
      .map { Omission(kind: $0.key, level: $0.value.level, count: $0.value.omitted) }
      .sorted { $0.kind < $1.kind }
  }
}
