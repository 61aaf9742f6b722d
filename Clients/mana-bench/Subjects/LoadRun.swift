import FoundationEssentials

/// A run of `mana-load` against a server.
struct LoadRun: Equatable {
  /// The arguments beside `--server`, `--json`, length and warm-up.
  var arguments: [String]
  var length: Length

  enum Length: Equatable {
    case seconds(Double, warmup: Double)
    case transactions(Int)
  }

  /// For the reader: how to do the same by hand.
  var command: String { (["mana-load"] + arguments + lengthArguments).joined(separator: " ") }

  private var lengthArguments: [String] {
    switch length {
    case .seconds(let seconds, let warmup): ["--duration", "\(seconds)", "--warmup", "\(warmup)"]
    case .transactions(let count): ["--transactions", "\(count)", "--warmup", "0"]
    }
  }

  private var expectedSeconds: Double {
    switch length {
    case .seconds(let seconds, let warmup): seconds + warmup
    // No slower than a tenth of a million a second.
    case .transactions(let count): Double(count) / 1e5
    }
  }

  /// Starts the run and leaves it to the caller to wait for it.
  func start(_ workbench: Workbench, against server: LedgerServer) throws(BenchError) -> ChildProcess {
    try workbench.start(
      "mana-load", at: Program.own("mana-load"),
      ["--server", server.address, "--json"] + arguments + lengthArguments)
  }

  /// Waits for a run, and returns what it measured. Throws when anything was refused or lost.
  func finish(_ process: ChildProcess, whileWaiting: () -> Void) throws(BenchError) -> LoadFigures {
    defer { process.kill() }
    let text = try process.finish(
      atMostSeconds: expectedSeconds + BenchLimits.runSlackSeconds, whileWaiting: whileWaiting)
    return try LoadFigures(json: text)
  }
}

/// What `mana-load --json` says, as far as it is used here.
struct LoadFigures: Decodable, Equatable {
  struct Latency: Decodable, Equatable {
    var p50: Double
    var p99: Double
  }

  struct Machine: Codable, Equatable {
    var system: String
    var processor: String
    var processors: Int
    var memoryBytes: Double
  }

  var transactionsPerSecond: Double
  var requestsPerSecond: Double
  var accepted: Double
  var refused: Double
  var errors: Double
  var unknownRequests: Double
  var latencyMicroseconds: Latency
  var machine: Machine

  /// Throws when it is not such a result, and when anything in it was not done.
  init(json: String) throws(BenchError) {
    do {
      self = try JSONDecoder().decode(LoadFigures.self, from: Data(json.utf8))
    } catch {
      throw .failed(what: "mana-load printed no result (\(error))", output: String(json.prefix(200)))
    }
    guard refused + errors + unknownRequests == 0 else {
      throw .failed(
        what: "the server refused or lost some of a run, so that it measures nothing",
        output: String(json.prefix(600)))
    }
  }
}
