import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The terminal while it shows a view that changes: another screen without a cursor, keys that arrive at once and are not
/// echoed.
///
/// It is given back as it was on every end of the process: `leave`, `exit`, and each signal that ends or stops it, a crash
/// included. Only what is killed outright (`SIGKILL`) cannot.
struct LiveTerminal: ~Copyable {
  /// Why a wait ended.
  enum Event: Equatable {
    case key(UInt8)
    /// The size has changed, or the process goes on after it was stopped.
    case redraw
    case timeout
    /// Nobody types any more.
    case endOfInput
  }

  private let queue = DispatchQueue(label: "mana.terminal")

  /// Takes the terminal; nil where standard input or output is none.
  init?() {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, Held.take() else { return nil }
  }

  /// Gives the terminal back. Idempotent.
  func leave() { Held.giveBack() }

  /// Columns and lines.
  var size: (width: Int, height: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Waits for a key, a signal, or until `milliseconds` have passed. Blocks a thread of its own.
  func wait(milliseconds: Int) async -> Event {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Self.next(milliseconds: milliseconds)) }
    }
  }

  private static func next(milliseconds: Int) -> Event {
    var watched = [
      pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
      pollfd(fd: Held.signalled, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&watched, 2, CInt(clamping: max(milliseconds, 0))) > 0 else {
      // A signal that interrupts the wait has written to the pipe: the next wait returns at once.
      return .timeout
    }
    var byte: UInt8 = 0
    if watched[1].revents != 0 {
      while read(Held.signalled, &byte, 1) == 1 {}
      return .redraw
    }
    switch read(STDIN_FILENO, &byte, 1) {
    case 1: return .key(byte)
    case 0: return .endOfInput
    default: return errno == EINTR || errno == EAGAIN ? .timeout : .endOfInput
    }
  }

  /// The lines as what draws them over whatever is on the screen, in one write and without flicker. Lines are cut to the
  /// size; colours count as no columns.
  static func frame(_ lines: [String], width: Int, height: Int) -> String {
    let shown = lines.prefix(height).map { clipped($0, to: width) + "\u{1B}[K" }
    return "\u{1B}[H" + shown.joined(separator: "\r\n") + "\u{1B}[J"
  }

  /// The first `width` columns of a line, its escape sequences kept.
  private static func clipped(_ line: String, to width: Int) -> String {
    var columns = 0
    var isSequence = false
    return String(
      line.filter { character in
        if character == "\u{1B}" { isSequence = true }
        defer { if isSequence, character.isLetter { isSequence = false } }
        if isSequence { return true }
        columns += 1
        return columns <= width
      })
  }
}

/// What the handlers of signals need. They may run at any moment on any thread: nothing here allocates or locks after
/// `take`, and what they call is safe in a handler (write, tcsetattr, raise).
private enum Held {
  /// Written by `take` before any handler is installed, and only read afterwards.
  nonisolated(unsafe) private static var original = termios()
  nonisolated(unsafe) private static var live = termios()
  nonisolated(unsafe) private static var pipes: (read: CInt, write: CInt) = (-1, -1)
  /// Whether the terminal is ours. Set and read by handlers too; a flag of one byte that each writes whole.
  nonisolated(unsafe) private static var isHeld = false

  /// Readable after a signal that asks for a new drawing.
  static var signalled: CInt { pipes.read }

  // Another screen, no cursor; and back. Static strings: their bytes exist without an allocation.
  private static let enterText: StaticString = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
  private static let leaveText: StaticString = "\u{1B}[?25h\u{1B}[?1049l"

  private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE]

  static func take() -> Bool {
    guard tcgetattr(STDIN_FILENO, &original) == 0 else { return false }
    live = original
    live.c_lflag &= ~tcflag_t(ICANON | ECHO)
    // What is drawn has its carriage returns.
    live.c_oflag &= ~tcflag_t(OPOST)
    var descriptors: [CInt] = [-1, -1]
    guard pipe(&descriptors) == 0 else { return false }
    for descriptor in descriptors {
      guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
        return false
      }
    }
    pipes = (descriptors[0], descriptors[1])
    enter()
    atexit { Held.giveBack() }
    for number in ending {
      signal(number) { number in
        Held.giveBack()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    signal(SIGTSTP) { _ in
      Held.giveBack()
      raise(SIGSTOP)
      // It goes on here once it is in the foreground again.
      Held.enter()
      Held.wake()
    }
    signal(SIGWINCH) { _ in Held.wake() }
    return true
  }

  static func enter() {
    isHeld = true
    tcsetattr(STDIN_FILENO, TCSANOW, &live)
    put(enterText)
  }

  static func giveBack() {
    guard isHeld else { return }
    isHeld = false
    put(leaveText)
    tcsetattr(STDIN_FILENO, TCSANOW, &original)
  }

  static func wake() {
    // A full pipe has woken whoever waits already.
    var byte: UInt8 = 0
    _ = write(pipes.write, &byte, 1)
  }

  private static func put(_ text: StaticString) {
    // A terminal that has gone needs nothing.
    _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }
}
