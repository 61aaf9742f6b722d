/// What a system call of the server is made to do, by `strace`: everything here is something that a kernel does to a
/// program on a machine that is in trouble.
struct SystemCallFault: Equatable {
  /// For the reader.
  var name: String
  var call: String
  /// What happens instead, in the words of `strace`.
  var effect: String
  /// Whether every call from the first one on is affected, or one alone.
  var isLasting = false
  /// The latest of a thread's calls that it begins with: so many are made in a moment under load.
  var numberMax = 30

  static let all = [
    SystemCallFault(name: "a sync fails", call: "fdatasync", effect: "error=EIO"),
    SystemCallFault(name: "a write fails", call: "pwrite64", effect: "error=EIO"),
    SystemCallFault(name: "the disk is full", call: "pwrite64", effect: "error=ENOSPC", isLasting: true),
    SystemCallFault(name: "nothing is written", call: "pwrite64", effect: "retval=0"),
    SystemCallFault(name: "a write is interrupted", call: "pwrite64", effect: "error=EINTR"),
    SystemCallFault(name: "syncs are slow", call: "fdatasync", effect: "delay_enter=50000", isLasting: true),
    SystemCallFault(
      name: "no room for segments", call: "fallocate", effect: "error=ENOSPC", isLasting: true, numberMax: 2),
    SystemCallFault(name: "too many files", call: "accept4", effect: "error=EMFILE", numberMax: 4),
  ]

  /// The arguments of `strace` for a fault from a thread's `number`-th call on; it writes each call to `trace`.
  ///
  /// The tracer runs beside the program (`-D`): whoever starts it is the program's own parent.
  func arguments(number: Int, trace: String) -> [String] {
    let when = isLasting ? "\(number)+" : "\(number)"
    return ["-D", "-f", "-qq", "-o", trace, "-e", "trace=\(call)", "-e", "inject=\(call):\(effect):when=\(when)"]
  }

  /// How often it happened, according to what `strace` wrote.
  static func count(inTrace text: String) -> Int {
    text.split(separator: "\n").count { $0.hasSuffix("(INJECTED)") || $0.hasSuffix("(DELAYED)") }
  }
}
