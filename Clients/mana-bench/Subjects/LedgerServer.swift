import Glibc

/// `mana-server` on a data directory of the workbench and a free port.
final class LedgerServer {
  let address: String
  private let process: ChildProcess
  /// From the start of the process to its ready line, in seconds.
  let startSeconds: Double

  /// Starts a server and waits until it is ready. An existing directory is recovered first.
  init(
    _ workbench: Workbench, directory: String, shards: Int = 1, arguments: [String] = []
  ) throws(BenchError) {
    let began = System.now()
    let process = try workbench.start(
      "mana-server", at: Program.own("mana-server"),
      ["--data-directory", directory, "--listen", "127.0.0.1:0", "--shards", "\(shards)"] + arguments)
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

  /// The same once it has not changed for a while: what was under way has come to rest.
  func settledResidentBytes() throws(BenchError) -> Double {
    var (bytes, since) = (residentBytes, System.now())
    try process.wait(for: "its memory had come to rest", atMostSeconds: BenchLimits.endSeconds) {
      let current = residentBytes
      if current != bytes { (bytes, since) = (current, System.now()) }
      return System.now() - since > BenchLimits.restNanoseconds
    }
    return bytes
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

/// The log of `mana-server` in text: a line an event, which is `TIME LEVEL EVENT: key=value key=value`.
enum ServerLog {
  /// The latest line of an event that has fields.
  static func line(of event: String, in log: String) -> String? {
    log.split(separator: "\n").last { line in
      let parts = line.split(separator: " ", maxSplits: 2)
      return parts.count == 3 && parts[2].hasPrefix(event + ": ")
    }.map(String.init)
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

/// The first line of `/proc/stat`: what all processors did since the start of the system, in ticks.
struct ProcessorTimes: Equatable {
  var total = 0.0
  /// Of that, what something was to run and the host of this virtual machine did not let it: a processor that is paused
  /// for tens of milliseconds is in every p99.
  var stolen = 0.0

  /// Zeros for another text.
  init(_ text: String) {
    let fields = text.prefix { $0 != "\n" }.split(separator: " ")
    let ticks = fields.dropFirst().prefix(8).compactMap { Double($0) }
    guard fields.first == "cpu", ticks.count == 8 else { return }
    // What guests used is in the first two already.
    total = ticks.reduce(0, +)
    stolen = ticks[7]
  }

  static var now: ProcessorTimes { ProcessorTimes(System.text(of: "/proc/stat") ?? "") }

  /// The share that was withheld since an earlier moment, 0 to 1.
  func withheld(since before: ProcessorTimes) -> Double {
    total > before.total ? (stolen - before.stolen) / (total - before.total) : 0
  }
}
