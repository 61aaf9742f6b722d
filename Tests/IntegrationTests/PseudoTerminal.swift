import Foundation

/// A program on a terminal of its own: what it draws, what is typed, and how it leaves the terminal.
final class PseudoTerminal {
  private let terminal: FileHandle
  private let process = Process()
  private var bytes: [UInt8] = []
  let descriptor: Int32

  /// Starts `executable` on a terminal of so many columns and lines.
  init(_ executable: URL, _ arguments: [String], environment: [String: String], width: UInt16, height: UInt16) throws {
    var (main, side): (Int32, Int32) = (-1, -1)
    var size = winsize(ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&main, &side, nil, nil, &size) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    descriptor = main
    _ = fcntl(main, F_SETFD, FD_CLOEXEC)
    terminal = FileHandle(fileDescriptor: main, closeOnDealloc: true)
    let sideHandle = FileHandle(fileDescriptor: side, closeOnDealloc: true)
    process.executableURL = executable
    process.arguments = arguments
    process.environment = environment
    process.standardInput = sideHandle
    process.standardOutput = sideHandle
    process.standardError = sideHandle
    try process.run()
  }

  deinit {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func type(_ text: String) throws { try terminal.write(contentsOf: Data(text.utf8)) }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  func resize(width: UInt16, height: UInt16) {
    var size = winsize(ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    // The terminal is not the program's controlling one, so that the kernel tells it nothing.
    signal(SIGWINCH)
  }

  /// Whether what is typed comes back and comes in lines, as a shell wants it.
  var isOrdinary: Bool {
    var state = termios()
    return tcgetattr(descriptor, &state) == 0 && state.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO)
  }

  /// Everything drawn from now on, until `condition` holds for it, for at most a minute; empty when it never does.
  func drawn(until condition: (String) -> Bool) -> String {
    bytes = []
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline {
      guard read() else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      if condition(text) { return text }
    }
    return ""
  }

  /// Reads what there is, waiting for a moment; false when nothing came.
  private func read() -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&watched, 1, 20) == 1, watched.revents & Int16(POLLIN) != 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = Foundation.read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return false }
    bytes += buffer[..<count]
    return true
  }

  /// Waits until a signal has stopped it; false when it goes on for a minute.
  func isStopped() throws -> Bool {
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline {
      _ = read()
      let state = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
      if state.split(separator: ") ").last?.first == "T" { return true }
    }
    return false
  }

  /// Waits for its end, for at most a minute: the status, whether a signal was the reason, and what it drew meanwhile.
  func end() -> (status: Int32, bySignal: Bool, text: String) {
    bytes = []
    let deadline = Date(timeIntervalSinceNow: 60)
    while process.isRunning, Date() < deadline { _ = read() }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    while read() {}
    process.waitUntilExit()
    return (
      process.terminationStatus, process.terminationReason == .uncaughtSignal, String(decoding: bytes, as: UTF8.self)
    )
  }
}
