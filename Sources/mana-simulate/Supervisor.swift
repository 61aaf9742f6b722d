import Glibc
import ManaTesting

/// Spreads the seeds over processes, so that one which ends its process takes no other with it.
struct Supervisor {
  /// One worker's process, and the seeds that it has.
  private struct Process {
    var identifier: pid_t
    var output: Int32
    var rest: [UInt8] = []
    let number: Int
    /// The index, in the worker's share, of the first seed that it has not begun.
    var begun = 0
    var current: UInt64?
  }

  let seeds: Int
  let first: UInt64
  let jobs: Int
  let plant: Simulation.Planted?
  let isAboutSpends: Bool
  let isTracing: Bool
  let printsDigests: Bool
  private var report: SimulationReport
  private var progress: Progress

  /// After so many failures a run has said enough.
  static let failuresMax = 20

  init(
    seeds: Int, first: UInt64, jobs: Int?, plant: Simulation.Planted?, isAboutSpends: Bool, isTracing: Bool,
    printsDigests: Bool
  ) {
    self.seeds = seeds
    self.first = first
    self.jobs = min(jobs ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), seeds)
    self.plant = plant
    self.isAboutSpends = isAboutSpends
    self.isTracing = isTracing
    self.printsDigests = printsDigests
    report = SimulationReport(seedsAsked: seeds, isPlanted: plant != nil)
    progress = Progress(total: seeds)
  }

  mutating func run() -> SimulationReport {
    let begin = Self.seconds
    var processes: [Process] = []
    for number in 0..<jobs { processes.append(spawn(number, from: 0)) }
    while !processes.isEmpty {
      var waits = processes.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
      _ = poll(&waits, nfds_t(waits.count), 1_000)
      for index in processes.indices.reversed() where waits[index].revents != 0 {
        if takeOutput(of: &processes[index]) { continue }
        processes.replaceSubrange(index...index, with: succeed(processes[index]))
      }
      progress.show(done: report.totals.seeds + report.failures.count + running, failures: report.failures.count)
    }
    progress.clear()
    report.seconds = Self.seconds - begin
    return report
  }

  private func say(_ line: String) {
    print(line)
    fflush(nil)
  }

  /// Seeds that are done and whose totals have not come yet.
  private var running = 0

  private static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func share(of number: Int) -> Int { (seeds - number + jobs - 1) / jobs }

  // MARK: Processes

  private func spawn(_ number: Int, from index: Int) -> Process {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "no pipe to be had")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    defer { posix_spawn_file_actions_destroy(&actions) }
    let start = first + UInt64(number) + UInt64(index) * UInt64(jobs)
    var arguments = [
      "mana-simulate", "--seeds", "\(share(of: number) - index)", "--first", "\(start)", "--stride", "\(jobs)",
    ]
    if let plant { arguments += ["--plant", plant.rawValue] }
    if isAboutSpends { arguments.append("--about-spends") }
    if isTracing { arguments += ["--seed", "\(start)"] }
    var identifier = pid_t()
    let status = withCStrings(arguments) { argv in
      withCStrings(environment) { posix_spawn(&identifier, "/proc/self/exe", &actions, nil, argv, $0) }
    }
    precondition(status == 0, "no process to be had: error \(status)")
    close(ends[1])
    return Process(identifier: identifier, output: ends[0], number: number, begun: index)
  }

  /// That of this process, with hashes that are the same each time; and a backtrace only where somebody looks at it.
  private var environment: [String] {
    var result: [String] = []
    var entry = environ
    while let text = entry.pointee {
      result.append(String(cString: text))
      entry += 1
    }
    result.removeAll { $0.hasPrefix("SWIFT_DETERMINISTIC_HASHING=") || $0.hasPrefix("SWIFT_BACKTRACE=") }
    return result + ["SWIFT_DETERMINISTIC_HASHING=1", "SWIFT_BACKTRACE=enable=\(isTracing ? "yes" : "no")"]
  }

  private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }

  /// Takes what a worker has said; false when it says no more.
  private mutating func takeOutput(of process: inout Process) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(process.output, &buffer, buffer.count)
    guard count > 0 else { return count < 0 && errno == EINTR }
    process.rest += buffer[..<count]
    while let end = process.rest.firstIndex(of: UInt8(ascii: "\n")) {
      take(String(decoding: process.rest[..<end], as: UTF8.self), of: &process)
      process.rest.removeFirst(end + 1)
    }
    return true
  }

  private mutating func take(_ line: String, of process: inout Process) {
    let words = line.split(separator: " ", maxSplits: 2)
    switch words.first {
    case "begin":
      process.current = UInt64(words[1])
      process.begun += 1
    case "done":
      process.current = nil
      running += 1
      if printsDigests { print("seed \(words[1]): digest \(words[2])") }
    case "failed":
      process.current = nil
      report.failures.append(SimulationReport.Failure(seed: UInt64(words[1])!, message: String(words[2])))
      progress.clear()
      if !report.isPlanted { say("seed \(words[1]): \(words[2])") }
    case "total":
      if let totals = Totals(encoded: line.dropFirst("total ".count)) {
        report.totals.add(totals)
        running -= totals.seeds
      }
    default: print(line)
    }
  }

  /// What comes after a worker has ended: nothing, or one that goes on behind the seed that ended it.
  private mutating func succeed(_ process: Process) -> [Process] {
    close(process.output)
    var status: Int32 = 0
    waitpid(process.identifier, &status, 0)
    guard let seed = process.current else { return [] }
    let signal = status & 0x7F
    let message = signal != 0 ? "the server ended its process with signal \(signal)" : "the process ended"
    report.failures.append(SimulationReport.Failure(seed: seed, message: message))
    if !report.isPlanted { say("seed \(seed): \(message)") }
    guard process.begun < share(of: process.number), report.failures.count < Self.failuresMax else { return [] }
    return [spawn(process.number, from: process.begun)]
  }
}

/// One line on a terminal that says how far a run is.
private struct Progress {
  let total: Int
  private let isShown = isatty(STDERR_FILENO) == 1
  private var last = time(nil)
  private var begin = time(nil)
  private var isVisible = false

  init(total: Int) { self.total = total }

  mutating func show(done: Int, failures: Int) {
    let now = time(nil)
    guard isShown, now > last else { return }
    last = now
    isVisible = true
    let rate = done / max(1, now - begin)
    write("\r\(done) of \(total) seeds, \(rate)/s, \(failures) failed ")
  }

  mutating func clear() {
    if isVisible { write("\r\u{1B}[K") }
    isVisible = false
  }

  private func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
