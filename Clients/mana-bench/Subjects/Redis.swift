/// Redis with a file that is synchronised before each answer, and a script that does the work of a charge: has this id
/// been seen, does the balance suffice, charge, append to the history.
final class Redis {
  static let connections = 50
  static let depth = 64
  static let accounts = 10_000

  let version: String
  private let workbench: Workbench
  private let benchmark: String
  private let client: String
  private let server: ChildProcess
  private let port: Int
  private let script: String

  /// In the order of what costs least to refuse. Balances are whole numbers of micromana.
  private static let source = """
    local id, amount = 't:' .. ARGV[1], tonumber(ARGV[3])
    local account = tonumber(ARGV[2]) % \(accounts)
    if not redis.call('SET', id, ARGV[3], 'NX') then return 'replayed' end
    local balance = tonumber(redis.call('GET', 'b:' .. account))
    if not balance then redis.call('DEL', id) return 'unknown' end
    if balance < amount then redis.call('DEL', id) return 'insufficient' end
    balance = redis.call('DECRBY', 'b:' .. account, amount)
    redis.call('RPUSH', 'h:' .. account, ARGV[1] .. ' ' .. amount .. ' ' .. balance)
    return balance
    """

  /// Nil when Redis is not installed.
  static func start(_ workbench: Workbench) throws(BenchError) -> Redis? {
    guard let server = Program.find("redis-server"), let client = Program.find("redis-cli"),
      let benchmark = Program.find("redis-benchmark")
    else { return nil }
    return try Redis(workbench, server: server, client: client, benchmark: benchmark)
  }

  private init(
    _ workbench: Workbench, server program: String, client: String, benchmark: String
  ) throws(BenchError) {
    self.workbench = workbench
    self.client = client
    self.benchmark = benchmark
    let port = try System.freePort()
    self.port = port
    let directory = workbench.path("redis")
    try System.makeDirectory(directory)
    let server = try workbench.start(
      "redis-server", at: program,
      [
        "--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "yes",
        "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
      ])
    try server.wait(for: "it was ready", atMostSeconds: BenchLimits.readySeconds) {
      server.output.contains("Ready to accept connections")
    }
    self.server = server
    let words = try workbench.run("redis-server", at: program, ["--version"]).split(separator: " ")
    version = words.first { $0.hasPrefix("v=") }.map { "Redis " + $0.dropFirst(2) } ?? "Redis"
    let source = workbench.path("charge.lua")
    try System.writeFile(source, Self.source)
    let loaded = try workbench.run(
      "redis-cli", at: client, ["-p", "\(port)", "-x", "SCRIPT", "LOAD"], input: source)
    script = String(loaded.filter { !$0.isWhitespace })
    let fund = "for i = 0, \(Self.accounts - 1) do redis.call('SET', 'b:' .. i, '1000000000000000') end return 'OK'"
    let funded = try workbench.run("redis-cli", at: client, ["-p", "\(port)", "EVAL", fund, "0"])
    guard script.count == 40, funded.hasPrefix("OK") else {
      throw .failed(what: "redis-cli could not prepare the ledger", output: loaded + funded)
    }
  }

  func stop() { server.end() }

  /// Charges for about so many seconds, after a second to find out how many that will be.
  func charge(seconds: Double, whileWaiting: () -> Void) throws(BenchError) -> PeerFigures {
    let trial = try charge(count: 40_000, whileWaiting)
    let posted = try transactions()
    let count = max(40_000, Int(trial.perSecond * seconds))
    let figures = try charge(count: count, whileWaiting)
    // Ids are drawn at random from 2^62: each request must have become a transaction.
    let applied = try transactions() - posted
    guard applied >= count else {
      throw .failed(what: "Redis applied \(applied) of \(count) charges, so that it measures nothing", output: "")
    }
    return figures
  }

  private func charge(count: Int, _ whileWaiting: () -> Void) throws(BenchError) -> PeerFigures {
    let text = try workbench.run(
      "redis-benchmark", at: benchmark,
      [
        "-p", "\(port)", "-c", "\(Self.connections)", "-P", "\(Self.depth)", "-n", "\(count)", "-r", "2147483647",
        "--csv", "EVALSHA", script, "0", "__rand_int____rand_int__", "__rand_int__", "10000",
      ], atMostSeconds: BenchLimits.runSlackSeconds, whileWaiting: whileWaiting)
    guard let figures = Self.parse(csv: text) else {
      throw .failed(what: "redis-benchmark printed no figures", output: String(text.prefix(400)))
    }
    return figures
  }

  /// All keys but the balances and the histories.
  private func transactions() throws(BenchError) -> Int {
    let count =
      "local n = redis.call('DBSIZE') "
      + "for i = 0, \(Self.accounts - 1) do n = n - redis.call('EXISTS', 'b:' .. i, 'h:' .. i) end return n"
    let text = try workbench.run("redis-cli", at: client, ["-p", "\(port)", "EVAL", count, "0"])
    guard let number = Int(text.filter { !$0.isWhitespace }) else {
      throw .failed(what: "redis-cli could not count the transactions", output: text)
    }
    return number
  }

  /// The figures of `redis-benchmark --csv`: a line of titles, a line of quoted values, times in milliseconds.
  static func parse(csv: String) -> PeerFigures? {
    let rows = csv.split(separator: "\n").map { line in
      // The first cell is the command, with commas of its own; what is wanted is counted from the end.
      line.split(separator: ",").map { String($0.filter { $0 != "\"" }) }
    }
    guard let titles = rows.first(where: { $0.contains("rps") }), let values = rows.last, values.count >= titles.count,
      values != titles
    else { return nil }
    func value(_ title: String) -> Double? {
      titles.firstIndex(of: title).flatMap { Double(values[values.count - titles.count + $0]) }
    }
    guard let rate = value("rps"), let p50 = value("p50_latency_ms"), let p99 = value("p99_latency_ms") else {
      return nil
    }
    return PeerFigures(perSecond: rate, p50: p50 * 1e3, p99: p99 * 1e3)
  }
}

/// What a peer did.
struct PeerFigures: Codable, Equatable, Sendable {
  /// Charges a second.
  var perSecond: Double
  /// Latency of a request, in microseconds.
  var p50: Double
  var p99: Double
}
