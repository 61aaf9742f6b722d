import CLinux
import Glibc
import Synchronization

// The one file of the tool that makes system calls.

/// Clocks, files, signals, processes.
enum System {
  /// A clock that never goes back, in nanoseconds.
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The date in UTC, as RFC 3339 writes it.
  static func today() -> String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  }

  static func sleep(nanoseconds: UInt64) {
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    // A signal ends it early, on purpose: whoever waits looks at `interrupted` next.
    nanosleep(&left, nil)
  }

  /// What `/proc` counts processor time in.
  static var ticksPerSecond: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

  static func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Writes `text`; what nobody reads any more is lost.
  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  // MARK: Signals

  private static let wasInterrupted = Atomic<Bool>(false)

  /// Whether SIGINT, SIGTERM or SIGHUP has come.
  static var interrupted: Bool { wasInterrupted.load(ordering: .relaxed) }

  /// From now on these signals are noted instead of ending the process, so that it can clear up.
  static func watchInterrupts() {
    // Made before a handler can need it.
    wasInterrupted.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      Glibc.signal(number) { _ in System.wasInterrupted.store(true, ordering: .relaxed) }
    }
    Glibc.signal(SIGPIPE, SIG_IGN)
  }

  // MARK: Processes

  /// Starts a program in a process group of its own, with its output in files. Signals do to it what they usually do,
  /// whatever this process, or the one that started it, ignores.
  static func spawn(
    _ arguments: [String], program: String, input: String = "/dev/null", output: String, errors: String
  ) throws(BenchError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let create = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, create, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, create, 0o644)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM] { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(&attributes, Int16(flags))
    let strings: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for string in strings { free(string) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, program, &actions, &attributes, strings, environ)
    guard code == 0 else { throw .system(call: "start \(program)", code: code) }
    return process
  }

  /// The exit status of a child that has ended, or 128 and the signal that ended it; nil while it runs.
  static func status(of process: pid_t) -> Int32? {
    var status: Int32 = 0
    let found = waitpid(process, &status, WNOHANG)
    if found == 0 || (found < 0 && errno == EINTR) { return nil }
    guard found == process else { return 127 }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }

  /// Sends a signal to a process and, as `wholeGroup`, to those that it has started.
  static func signal(_ number: Int32, to process: pid_t, wholeGroup: Bool = false) {
    _ = Glibc.kill(wholeGroup ? -process : process, number)
  }

  static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

  /// The folder of the running program.
  static func programFolder() -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  // MARK: Users

  static var isRoot: Bool { geteuid() == 0 }

  /// Gives a file or directory to a user. False when there is no such user.
  static func give(_ path: String, to user: String) -> Bool {
    guard let entry = getpwnam(user) else { return false }
    return chown(path, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0
  }

  /// Lets everybody pass through a directory.
  static func letPass(_ path: String) { chmod(path, 0o711) }

  // MARK: Network

  /// A TCP port of loopback that nobody listens on just now.
  static func freePort() throws(BenchError) -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw .system(call: "socket", code: errno) }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard code == 0 else { throw .system(call: "bind", code: errno) }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

extension System {
  /// What a terminal sends for Ctrl-C.
  static let interruptSignal = SIGINT
}
