/// A run of measurements. What several figures need is measured once, when it is first asked for.
final class Session {
  let workbench: Workbench
  let plan: Plan
  let progress: Progress
  private var redis: PeerFigures??
  private var redisVersion = ""
  private var batches: Rate?
  private var life: LedgerLife?
  /// What the load tester says of the machine.
  private(set) var machine: LoadFigures.Machine?

  init(_ workbench: Workbench, plan: Plan, progress: Progress) {
    self.workbench = workbench
    self.plan = plan
    self.progress = progress
  }

  /// A rate that was measured some times.
  struct Rate {
    var rounds: [LoadFigures]
    var command: String
    /// Of the processors' time while it was measured, what the host of a virtual machine withheld: 0 to 1.
    var withheld = 0.0

    var each: [Double] { rounds.map(\.transactionsPerSecond) }
    var median: Double { Quantity.median(each) }
    var p50: Double { Quantity.median(rounds.map(\.latencyMicroseconds.p50)) }
    var p99: Double { Quantity.median(rounds.map(\.latencyMicroseconds.p99)) }
    /// For a remark.
    var latency: String {
      let times = "p50 \(Quantity.time(microseconds: p50)), p99 \(Quantity.time(microseconds: p99))"
      guard withheld >= BenchLimits.withheldNoted else { return times }
      return times + "; the host withheld \(Quantity.digits(withheld * 100)) % of the processors"
    }
  }

  /// Measures a load as often as the plan says, each time on a new, empty ledger.
  func measure(
    _ what: String, _ arguments: [String], shards: Int = 1, server: [String] = []
  ) throws(BenchError) -> Rate {
    let run = LoadRun(arguments: arguments, length: .seconds(plan.seconds, warmup: plan.warmupSeconds))
    var rounds: [LoadFigures] = []
    let before = ProcessorTimes.now
    for round in 1...plan.rounds {
      progress.begin(plan.rounds == 1 ? what : "\(what), \(round) of \(plan.rounds)")
      rounds.append(
        try onEmptyLedger(shards: shards, arguments: server) { server throws(BenchError) in try load(run, server) })
    }
    return Rate(rounds: rounds, command: run.command, withheld: ProcessorTimes.now.withheld(since: before))
  }

  /// Gives `body` a server with nothing in it, and removes what it wrote.
  func onEmptyLedger<Value>(
    shards: Int = 1, arguments: [String] = [], _ body: (LedgerServer) throws(BenchError) -> Value
  ) throws(BenchError) -> Value {
    let directory = workbench.path("ledger")
    let server = try LedgerServer(workbench, directory: directory, shards: shards, arguments: arguments)
    defer {
      server.kill()
      System.removeTree(directory)
    }
    return try body(server)
  }

  /// Runs a load to its end.
  func load(_ run: LoadRun, _ server: LedgerServer) throws(BenchError) -> LoadFigures {
    let figures = try run.finish(try run.start(workbench, against: server)) { progress.show() }
    machine = figures.machine
    return figures
  }

  // MARK: What several figures need

  /// How long one 512-byte direct write with its sync takes now, in microseconds, many times. Never kept: on a machine
  /// with other work it is another a minute later.
  func probe() throws(BenchError) -> [Double] {
    progress.begin("one 512-byte write past the page cache and its sync, again and again")
    let file = workbench.path("probe")
    return try System.timeDirectWrites(plan.probeWrites, of: 512, file: file, fileBytes: 1 << 20)
      .map { Double($0) / 1e3 }
  }

  /// Bytes a second that the disk takes when each megabyte is synchronised before the next.
  func diskBytesPerSecond() throws(BenchError) -> Double {
    progress.begin("one megabyte past the page cache and its sync, again and again")
    let (count, bytes) = (plan.probeWrites / 4, 1 << 20)
    let times = try System.timeDirectWrites(count, of: bytes, file: workbench.path("probe"), fileBytes: 64 << 20)
    return Double(count * bytes) / Double(times.reduce(0, +)) * 1e9
  }

  /// Bytes a second of new memory that the system hands out; nil where it cannot be measured.
  func memoryBytesPerSecond() throws(BenchError) -> Double? {
    progress.begin("new memory, in huge pages")
    let bytes = 512 << 20
    return try System.timeNewMemory(bytes: bytes).map { Double(bytes) / Double($0) * 1e9 }
  }

  /// Redis on the same machine in the same run; nil when it is not installed.
  func redisFigures() throws(BenchError) -> (figures: PeerFigures, version: String)? {
    if redis == nil {
      if let server = try Redis.start(workbench) {
        defer { server.stop() }
        redisVersion = server.version
        var rounds: [PeerFigures] = []
        for round in 1...plan.rounds {
          progress.begin("Redis, for the ratios, \(round) of \(plan.rounds)")
          rounds.append(try server.charge(seconds: plan.seconds) { progress.show() })
        }
        redis = .some(rounds.sorted { $0.perSecond < $1.perSecond }[(rounds.count - 1) / 2])
      } else {
        redis = .some(nil)
      }
    }
    guard case .some(.some(let figures)) = redis else { return nil }
    return (figures, redisVersion)
  }

  /// The first of the figures: batches over 10,000 accounts.
  func largeBatches() throws(BenchError) -> Rate {
    if let batches { return batches }
    let rate = try measure("batches of 8190, 10,000 accounts", Loads.batches)
    batches = rate
    return rate
  }

  /// A ledger from its start through its growth to its recovery.
  func ledgerLife() throws(BenchError) -> LedgerLife {
    if let life { return life }
    let lived = try LedgerLife(self)
    life = lived
    return lived
  }
}

/// The loads that figures and comparison have in common, as arguments of `mana-load`.
enum Loads {
  static let accounts = 10_000
  static let batches = ["--batch", "8190", "--in-flight", "4", "--accounts", "\(accounts)"]
  static let batchesOverMany = ["--batch", "8190", "--in-flight", "4", "--accounts", "1000000"]
  static let batchesForOne = ["--batch", "8190", "--in-flight", "4", "--accounts", "1"]
  static let batchesOf1000 = ["--batch", "1000", "--in-flight", "16"]
  static let batchesOf100 = ["--batch", "100", "--in-flight", "64"]
  /// Through the client library, which can encrypt.
  static let batchesThroughClient = batches + ["--through", "client"]
  static let singleCalls = ["--scenario", "single-calls", "--in-flight", "512"]
  static let oneAtATime = ["--scenario", "single-calls", "--in-flight", "1"]
  /// As many tasks as calls that gRPC has under way, each of which waits for its call.
  static func tasks(through carrier: String) -> [String] {
    ["--scenario", "single-calls", "--connections", "2", "--in-flight", "\(GRPC.concurrent / 2)", "--through", carrier]
  }
  static let reads = ["--scenario", "reads", "--page", "100", "--in-flight", "16"]
  /// What is measured beside slow connections: enough in flight to keep the server busy, few enough for short waits.
  static let callsBesideSlowConnections = ["--scenario", "single-calls", "--in-flight", "64"]
  /// What runs beside the reads: an open loop that leaves the processors some air.
  static let chargesBeside = ["--batch", "1000", "--in-flight", "16", "--rate", "500000"]
}
