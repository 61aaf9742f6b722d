/// What the ledger takes in.
extension Session {
  func probeFigures() throws(BenchError) -> [Figure] {
    let times = try probe()
    let bytes = try diskBytesPerSecond()
    let memory = try memoryBytesPerSecond()
    return [
      Figure(
        "probe", "one 512-byte write past the page cache and its sync, p50", Quantity.percentile(50, of: times),
        .microseconds, .none, remark: "p99 \(Quantity.time(microseconds: Quantity.percentile(99, of: times)))"),
      Figure(
        "disk-speed", "the disk, a megabyte and its sync at a time", bytes, .bytesPerSecond, .none,
        remark: "room for \(Quantity.rate(bytes / 100)) charges/s of 100 bytes, each written once"),
      memory.map {
        Figure(
          "memory-speed", "new memory from the system, in huge pages", $0, .bytesPerSecond, .none,
          remark: "room for \(Quantity.rate($0 / 125)) charges/s that keep 125 bytes each")
      }
        ?? Figure(
          unavailable: "memory-speed", "new memory from the system, in huge pages", .bytesPerSecond, .none,
          because: "the kernel has no MADV_POPULATE_WRITE"),
    ]
  }

  func redisFigure() throws(BenchError) -> Figure {
    let what = "Redis, synchronised before each answer, 50 connections 64 deep"
    guard let (redis, version) = try redisFigures() else {
      return Figure(
        unavailable: "redis", what, .perSecond, .none, because: "redis-server is not installed: goals are absolute")
    }
    return Figure("redis", what, redis.perSecond, .perSecond, .none, remark: version)
  }

  /// So many times Redis as measured in this run, or a plain number where there is none.
  private func goal(timesRedis factor: Double, otherwise value: Double, stretch: Double) throws(BenchError) -> Goal {
    guard let redis = try redisFigures() else { return .atLeast(value, stretch: stretch) }
    return .atLeast(redis.figures.perSecond * factor, stretch: stretch, origin: "\(Int(factor)) × Redis")
  }

  private func timesRedis(_ value: Double) throws(BenchError) -> String {
    guard let redis = try redisFigures() else { return "" }
    return "\(Quantity.digits(value / redis.figures.perSecond)) × Redis, "
  }

  func batchFigures() throws(BenchError) -> [Figure] {
    try figures("batches", "batches of 8190, 10,000 accounts, 4 in flight", of: try largeBatches())
  }

  /// What a server takes in that keeps so much of its history in memory, and the rest on the disk alone: it uses the same
  /// memory again, so that it does not depend on how fast the system hands out more.
  func boundedBatchFigures() throws(BenchError) -> [Figure] {
    let server = ["--resident-memory", "\(256 << 20)"]
    let what = "batches of 8190, 256 MiB of the history in memory"
    var rate = try measure(what, Loads.batches, server: server)
    rate.command = "mana-server \(server.joined(separator: " ")); " + rate.command
    return try figures("batches-bounded", what, of: rate)
  }

  private func figures(_ name: String, _ what: String, of rate: Rate) throws(BenchError) -> [Figure] {
    [
      Figure(
        name, what, rate.median, .perSecond, try goal(timesRedis: 120, otherwise: 7e6, stretch: 10e6),
        rounds: rate.each, remark: try timesRedis(rate.median) + rate.latency, command: rate.command),
      Figure(
        name + "-p99", "their p99", rate.p99, .microseconds, .atMost(10_000),
        rounds: rate.rounds.map(\.latencyMicroseconds.p99), command: rate.command),
    ]
  }

  func manyAccountsFigure() throws(BenchError) -> Figure {
    let few = try largeBatches().median
    let rate = try measure("batches of 8190, 1,000,000 accounts", Loads.batchesOverMany)
    return Figure(
      "many-accounts", "batches of 8190, 1,000,000 accounts", rate.median, .perSecond,
      .atLeast(few / 2, origin: "half of 10,000 accounts"), rounds: rate.each, remark: rate.latency,
      command: rate.command)
  }

  func smallBatchFigures() throws(BenchError) -> [Figure] {
    let thousand = try measure("batches of 1000", Loads.batchesOf1000)
    let hundred = try measure("batches of 100", Loads.batchesOf100)
    return [
      Figure(
        "batches-of-1000", "batches of 1000, 16 in flight", thousand.median, .perSecond, .atLeast(5e6),
        rounds: thousand.each, remark: thousand.latency, command: thousand.command),
      Figure(
        "batches-of-100", "batches of 100, 64 in flight", hundred.median, .perSecond, .atLeast(4e6),
        rounds: hundred.each, remark: hundred.latency, command: hundred.command),
    ]
  }

  func singleCallsFigure() throws(BenchError) -> Figure {
    let rate = try measure("single calls, 512 in flight", Loads.singleCalls)
    return Figure(
      "single-calls", "single calls, 512 in flight on one connection", rate.median, .perSecond,
      try goal(timesRedis: 15, otherwise: 1e6, stretch: 2e6), rounds: rate.each,
      remark: try timesRedis(rate.median) + rate.latency, command: rate.command)
  }

  /// Each round beside the write of that moment, before and after it: what the disk did minutes ago decides nothing.
  func oneAtATimeFigure() throws(BenchError) -> Figure {
    let run = LoadRun(arguments: Loads.oneAtATime, length: .seconds(plan.seconds, warmup: plan.warmupSeconds))
    var (rounds, beyond, writes) = ([LoadFigures](), [Double](), [Double]())
    for round in 1...plan.rounds {
      let before = Quantity.percentile(50, of: try probe())
      progress.begin("single calls, one at a time, \(round) of \(plan.rounds)")
      let figures = try onEmptyLedger { server throws(BenchError) in try load(run, server) }
      let write = (before + Quantity.percentile(50, of: try probe())) / 2
      rounds.append(figures)
      writes.append(write)
      beyond.append(figures.latencyMicroseconds.p50 - write)
    }
    return .oneAtATime(beyond: beyond, writes: writes, rate: Rate(rounds: rounds, command: run.command))
  }
}

extension Figure {
  /// What a call takes beyond the disk's own write. Each call contains such a write: where it seems to take less, other
  /// work disturbed one of the two, and nothing was measured.
  static func oneAtATime(beyond: [Double], writes: [Double], rate: Session.Rate) -> Figure {
    let (name, what) = ("one-at-a-time", "single calls, one at a time, p50 beyond that of the probe's write beside it")
    let measured =
      "p50 \(Quantity.time(microseconds: rate.p50)) beside a write of "
      + "\(Quantity.time(microseconds: Quantity.median(writes))), \(Quantity.rate(rate.median))/s, "
      + "p99 \(Quantity.time(microseconds: rate.p99))"
    let value = Quantity.median(beyond)
    guard value >= 0 else {
      return Figure(
        unavailable: name, what, .microseconds, .atMost(60), because: "disturbed by other work: " + measured)
    }
    return Figure(
      name, what, value, .microseconds, .atMost(60), rounds: beyond, remark: measured, command: rate.command)
  }
}
