#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Standard output and standard error.
struct Console: Sendable {
  /// Whether results are JSON.
  var isJSON: Bool
  /// Whether standard output is a terminal that wants colours: <https://no-color.org>.
  let hasColour: Bool
  /// Whether standard error is a terminal, where a line can be overwritten.
  let isProgressTerminal: Bool

  init(isJSON: Bool) {
    self.isJSON = isJSON
    hasColour = isatty(STDOUT_FILENO) == 1 && Self.environment("NO_COLOR") == nil && Self.environment("TERM") != "dumb"
    isProgressTerminal = isatty(STDERR_FILENO) == 1 && Self.environment("TERM") != "dumb"
    // A reader that goes away is noticed by the write that fails, at a place that knows what to do about it.
    signal(SIGPIPE, SIG_IGN)
  }

  /// A variable of the environment that is set and not empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  /// Columns of the terminal that standard output is; nil when it is none.
  var width: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Writes a result as JSON or for people, whichever is wanted, and a line break.
  func result(_ json: @autoclosure () -> JSONValue, _ text: @autoclosure () -> String) {
    line(isJSON ? json().description : text())
  }

  /// Writes a line to standard output.
  func line(_ text: String) { write(text + "\n") }

  /// Writes to standard output. When nobody reads it any more, the process ends as `head` makes every tool end.
  func write(_ text: String) {
    switch Self.write(text, to: STDOUT_FILENO) {
    case 0: return
    case EPIPE:
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    case let code:
      error("writing the result: \(systemMessage(code))")
      exit(EX_IOERR)
    }
  }

  /// Writes a message for people to standard error.
  func error(_ text: String) {
    // There is nobody left to tell when standard error cannot be written.
    _ = Self.write("mana: \(text)\n", to: STDERR_FILENO)
  }

  /// Writes a part of a progress display to standard error.
  func progress(_ text: String) { _ = Self.write(text, to: STDERR_FILENO) }

  /// Writes everything to `descriptor`. Zero, or the `errno` of the write that failed.
  static func write(_ text: String, to descriptor: CInt) -> CInt {
    var text = text
    return text.withUTF8 { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        #if canImport(Glibc)
          let count = Glibc.write(descriptor, bytes.baseAddress! + rest.startIndex, rest.count)
        #elseif canImport(Musl)
          let count = Musl.write(descriptor, bytes.baseAddress! + rest.startIndex, rest.count)
        #else
          let count = Darwin.write(descriptor, bytes.baseAddress! + rest.startIndex, rest.count)
        #endif
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        rest = rest.dropFirst(count)
      }
      return 0
    }
  }
}
