import ManaProtocol

/// What the server said about itself.
struct ServerFacts: Equatable, Sendable {
  /// Name and version, as it gives them.
  var name: String
  var ledger: UInt128
  var shards: Int

  init(_ welcome: Welcome) { self.init(name: welcome.serverName, ledger: welcome.ledger, shards: welcome.shardCount) }

  init(name: String, ledger: UInt128, shards: Int) {
    self.name = name
    self.ledger = ledger
    self.shards = shards
  }
}

/// The machine that the load tester runs on.
struct Machine: Equatable, Sendable {
  var system: String
  var processor: String
  var processors: Int
  var memoryBytes: UInt64

  static var current: Machine {
    let machine = System.machine()
    let model = System.contents(ofSmallFile: "/proc/cpuinfo")?.split(separator: "\n")
      .first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return Machine(
      system: machine.system, processor: model.map { String($0.drop { $0 == " " }) } ?? "unknown processor",
      processors: machine.processors, memoryBytes: machine.memoryBytes)
  }
}

/// All that a run found out.
struct LoadResult: Sendable {
  var settings: LoadSettings
  var server: ServerFacts
  var machine: Machine
  /// When the measurement began, in seconds since 1970.
  var startedAt: Int
  var tally: Tally
  var latencies: LatencySummary
  /// Latency by percentile, in ascending order, for the chart.
  var percentiles: [(percent: Double, nanoseconds: UInt64)]
  var samples: [Sample]
  /// From the first request to the last reply, and no less than the length that was asked for.
  var durationSeconds: Double
  /// Requests of an open loop that were due but could not be sent before the end.
  var notSent: UInt64
  var reconnections: Int
  var verification: VerificationResult?

  init(
    settings: LoadSettings, server: ServerFacts, machine: Machine, startedAt: Int, meter: Meter, notSent: UInt64,
    reconnections: Int, verification: VerificationResult?
  ) {
    self.settings = settings
    self.server = server
    self.machine = machine
    self.startedAt = startedAt
    self.notSent = notSent
    self.reconnections = reconnections
    self.verification = verification
    tally = meter.tally
    latencies = meter.latencies.summary
    percentiles = Self.charted.map { ($0, meter.latencies.percentile($0)) }
    samples = meter.samples
    durationSeconds = meter.durationSeconds
  }

  /// Percentiles that the chart shows: each step halves what is left above, down to one request in 100,000.
  static let charted: [Double] = [
    0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97.5, 98, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999, 100,
  ]

  var transactionsPerSecond: Double { rate(settings.scenario.posts ? tally.accepted : tally.read) }
  var requestsPerSecond: Double { rate(tally.requests) }

  private func rate(_ count: UInt64) -> Double { durationSeconds > 0 ? Double(count) / durationSeconds : 0 }
}
