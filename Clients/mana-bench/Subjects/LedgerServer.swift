import Glibc

/// `mana-server` on a data directory of the workbench and a free port.
final class LedgerServer {
  let address: String
  private let process: ChildProcess
  /// From the start of the process to its ready line, in seconds.
  let startSeconds: Double

  /// Starts a server and waits until it is ready. An existing directory is recovered first.
  init(_ workbench: Workbench, directory: String, shards: Int = 1) throws(BenchError) {
    let began = System.now()
    let process = try workbench.start(
      "mana-server", at: Program.own("mana-server"),
      ["--data-directory", directory, "--listen", "127.0.0.1:0", "--shards", "\(shards)"])
    try process.wait(for: "it was ready", atMostSeconds: BenchLimits.readySeconds) { process.output.hasSuffix("\n") }
    let ready = "mana-server ready on "
    guard process.output.hasPrefix(ready) else { throw process.failure("mana-server printed no ready line") }
    startSeconds = Double(System.now() - began) / 1e9
    address = String(process.output.dropFirst(ready.count).dropLast())
    self.process = process
  }

  /// Bytes of memory that the process has resident.
  var residentBytes: Double {
    let status = System.text(of: "/proc/\(process.processIdentifier)/status") ?? ""
    return ProcessStatus.residentBytes(status) ?? 0
  }

  /// Processor time that the process has used for itself, without the kernel's work for it, in nanoseconds.
  var userNanoseconds: Double {
    let status = System.text(of: "/proc/\(process.processIdentifier)/stat") ?? ""
    return (ProcessStatus.userTicks(status) ?? 0) * 1e9 / System.ticksPerSecond
  }

  /// What the server logged when it had recovered.
  func recovery() throws(BenchError) -> Recovery {
    guard let recovery = Recovery(log: process.errors) else {
      throw process.failure("mana-server logged no line about its recovery")
    }
    return recovery
  }

  /// Ends the server in an orderly manner, and returns the longest turn that it names, in nanoseconds.
  func stop() throws(BenchError) -> Double? {
    guard process.end() == 0 else { throw process.failure("mana-server did not end in an orderly manner") }
    return ServerLog.values(of: "longestTurnMicroseconds", in: process.errors).max().map { $0 * 1e3 }
  }

  /// Ends it at once, as a crash would.
  func kill() { process.kill() }
}

/// What the start of a server had to read.
struct Recovery: Equatable {
  var transactions: Double
  var accounts: Double

  /// Nil when the log has no such line.
  init?(log: String) {
    guard let line = ServerLog.line(of: "recovered", in: log),
      let transactions = ServerLog.values(of: "transactions", in: line).first,
      let accounts = ServerLog.values(of: "accounts", in: line).first
    else { return nil }
    self.transactions = transactions
    self.accounts = accounts
  }
}

/// The log of `mana-server`: a line an event, with `key=value` words before the source and the message.
enum ServerLog {
  /// The latest line whose message is `message`.
  static func line(of message: String, in log: String) -> String? {
    log.split(separator: "\n").last { $0.hasSuffix("] " + message) }.map(String.init)
  }

  /// The numbers that `key` has, line by line.
  static func values(of key: String, in log: String) -> [Double] {
    log.split { $0 == " " || $0 == "\n" }.compactMap { word in
      word.hasPrefix(key + "=") ? Double(word.dropFirst(key.count + 1)) : nil
    }
  }
}

/// `/proc/PID/status` and `/proc/PID/stat`.
enum ProcessStatus {
  /// Processor time in user mode: field 14, counted from behind the name, which may have spaces.
  static func userTicks(_ text: String) -> Double? {
    guard let name = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    return fields.count > 11 ? Double(fields[11]) : nil
  }

  static func residentBytes(_ text: String) -> Double? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    let word = line?.split { $0 == " " || $0 == "\t" }.dropFirst().first
    return word.flatMap { Double($0) }.map { $0 * 1_024 }
  }
}
