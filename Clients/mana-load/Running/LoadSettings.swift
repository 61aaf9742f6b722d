import ArgumentParser
import ManaClient
import ManaProtocol

/// Everything that decides what a run does, checked.
struct LoadSettings: Equatable, Sendable {
  /// When a run ends.
  enum Length: Equatable, Sendable {
    case seconds(Double)
    /// Transactions posted, or asked for by `reads`.
    case transactions(UInt64)
  }

  /// What carries the requests.
  enum Carrier: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// Frames made and read by the load tester itself.
    case raw
    /// Calls of the `ManaClient` library.
    case client
    /// The same calls, from tasks on the client's executor.
    case executor
  }

  var scenario = Scenario.combinationBatches
  var server = ServerAddress.standard
  /// By what the server knows the caller. Not part of `command`.
  var credential: ManaClient.Credential?
  /// How connections are encrypted; nil for not. Only the client library can.
  var tls: ManaClient.Configuration.TLS?
  /// Transactions in a request that posts.
  var batch = Scenario.combinationBatches.batchDefault
  var connections = 1
  /// Requests, on each connection.
  var inFlight = Scenario.combinationBatches.inFlightDefault
  var accounts = 10_000
  var distribution = Distribution.uniform
  var length = Length.seconds(10)
  /// Open loop: transactions a second (pages for `reads`). Nil for the closed loop.
  var rate: Double?
  var warmupSeconds = 1.0
  /// Transactions in a page.
  var page = 100
  var carrier = Carrier.raw
  var seed: UInt64 = 0
  var verifies = false
  /// Connections that dribble, beside the measured ones.
  var slowConnections = 0

  /// The largest request of the scenario, in bytes.
  var bodyBytesMax: Int {
    let posting = scenario.posts ? BatchView.bodyBytes(count: batch, textBytes: 0) : 0
    return max(posting, scenario.lists ? HistoryQuery.fixedBytes : 0)
  }

  /// Requests a second of an open loop: a page is a request, and one request of `mixed` in ten is a page.
  var requestsPerSecond: Double? {
    rate.map { scenario == .reads ? $0 : $0 / Double(batch) }
  }

  /// The command that does the same again, on a ledger that has not seen this seed.
  var command: String {
    var words = ["mana-load", "--server", server.description, "--scenario", scenario.rawValue]
    if scenario.posts { words += ["--batch", "\(batch)"] }
    words += ["--connections", "\(connections)", "--in-flight", "\(inFlight)", "--accounts", "\(accounts)"]
    words += ["--distribution", distribution.rawValue]
    switch length {
    case .seconds(let seconds): words += ["--duration", Text.plain(seconds)]
    case .transactions(let count): words += ["--transactions", "\(count)"]
    }
    if let rate { words += ["--rate", Text.plain(rate)] }
    words += ["--warmup", Text.plain(warmupSeconds)]
    if scenario.lists { words += ["--page", "\(page)"] }
    if let tls { words += tls.arguments }
    words += ["--through", carrier.rawValue, "--seed", "\(seed)"]
    if slowConnections > 0 { words += ["--slow-connections", "\(slowConnections)"] }
    if verifies { words.append("--verify") }
    return words.joined(separator: " ")
  }
}

extension ManaClient.Configuration.TLS {
  /// The options that mean this.
  fileprivate var arguments: [String] {
    var words = ["--tls"]
    if case .file(let path) = trustRoots { words += ["--tls-ca", path] }
    if let certificate { words += ["--tls-certificate", certificate] }
    if let key { words += ["--tls-key", key] }
    if let serverName { words += ["--tls-server-name", serverName] }
    return words
  }
}
