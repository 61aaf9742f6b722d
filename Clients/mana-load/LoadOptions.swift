import ArgumentParser
import ManaClient
import ManaOptions
import ManaProtocol

/// The arguments of `mana-load`.
struct LoadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "HOST:PORT, [IPV6]:PORT or unix:PATH. Default: MANA_SERVER, or 127.0.0.1:7420.", valueName: "address"))
  var server: String?

  @Option(
    help: ArgumentHelp(
      "The file with the token by which the server knows the caller. Default: the token in MANA_TOKEN, or none.",
      valueName: "file"))
  var tokenFile: String?

  @OptionGroup(title: "TLS Options") var tls: TLSOptions

  @Option(help: "What to do; see above.")
  var scenario = Scenario.combinationBatches

  @Option(help: "Transactions in a request. Default: 8190 for combination-batches, otherwise 1.")
  var batch: Int?

  @Option(help: "Connections.")
  var connections = 1

  @Option(
    help: "Requests in flight on each connection. Default: 4 for combination-batches, 512 for single-calls, else 64.")
  var inFlight: Int?

  @Option(help: "Accounts that the transactions go to.")
  var accounts = 10_000

  @Option(help: "Which accounts are preferred: uniform or zipf.")
  var distribution = Distribution.uniform

  @Option(help: "Seconds to measure. Default: 10.")
  var duration: Double?

  @Option(help: "Transactions to measure, instead of a duration.")
  var transactions: UInt64?

  @Option(help: "Open loop: transactions a second; pages a second for reads.")
  var rate: Double?

  @Option(help: "Seconds before the measurement begins.")
  var warmup = 1.0

  @Option(help: "Transactions in a page, for reads and mixed.")
  var page = 100

  @Option(
    help: ArgumentHelp(
      "What carries the requests: raw, client or executor.",
      discussion: """
        raw: sockets of its own, in the clear; client: the ManaClient library; executor: the library, from tasks on \
        its executor.
        """))
  var through = LoadSettings.Carrier.raw

  @Option(
    help: ArgumentHelp(
      "Connections beside the measured ones that send a request byte by byte, a byte a second. Default: 0.",
      valueName: "count"))
  var slowConnections = 0

  @Option(help: "Decides accounts, amounts and ids. A ledger takes each seed once. Default: a random one.")
  var seed: UInt64?

  @Flag(help: "Compare every account with what was acknowledged, at the end.")
  var verify = false

  @Flag(help: "Make the requests and throw them away; needs no server.")
  var discard = false

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Option(help: ArgumentHelp("Write a report with charts to this file.", valueName: "file.html"))
  var report: String?

  func validate() throws {
    do throws(LoadError) {
      _ = try settings()
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// The settings that the arguments mean. Throws `usage`, naming the option.
  func settings() throws(LoadError) -> LoadSettings {
    var settings = LoadSettings()
    settings.scenario = scenario
    settings.server = try address()
    settings.credential = try credential()
    settings.tls = try encryption()
    settings.batch = batch ?? scenario.batchDefault
    settings.connections = connections
    settings.inFlight = inFlight ?? scenario.inFlightDefault
    settings.accounts = accounts
    settings.distribution = distribution
    settings.page = page
    settings.rate = rate
    settings.warmupSeconds = warmup
    settings.seed = seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
    settings.carrier = through
    settings.slowConnections = slowConnections
    settings.verifies = verify
    if let transactions { settings.length = .transactions(transactions) }
    if let duration { settings.length = .seconds(duration) }
    try check(settings)
    return settings
  }

  private func address() throws(LoadError) -> ServerAddress {
    guard let text = server ?? System.environment("MANA_SERVER") else { return .standard }
    guard let address = ServerAddress(text) else {
      let source = server == nil ? "MANA_SERVER" : "--server"
      throw .usage("\(source) takes HOST:PORT, [IPV6]:PORT or unix:PATH, not '\(text)'.")
    }
    return address
  }

  private func encryption() throws(LoadError) -> ManaClient.Configuration.TLS? {
    do throws(ManaError) {
      return try tls.configuration(environment: System.environment)
    } catch {
      throw .usage(error.message)
    }
  }

  private func credential() throws(LoadError) -> ManaClient.Credential? {
    guard let tokenFile else {
      return System.environment("MANA_TOKEN").flatMap { $0.isEmpty ? nil : .token($0) }
    }
    do throws(ManaError) {
      return try .token(file: tokenFile)
    } catch {
      throw .usage("--token-file: \(error.message)")
    }
  }

  private func check(_ settings: LoadSettings) throws(LoadError) {
    func demand(_ option: String, _ value: Int, _ range: ClosedRange<Int>) throws(LoadError) {
      guard range.contains(value) else {
        throw .usage("\(option) takes \(range.lowerBound) to \(range.upperBound), not \(value).")
      }
    }
    try demand("--batch", settings.batch, 1...Limits.itemsMax)
    try demand("--connections", settings.connections, 1...LoadLimits.connectionsMax)
    try demand("--in-flight", settings.inFlight, 1...Limits.requestsInFlightMax)
    try demand("--accounts", settings.accounts, 1...LoadLimits.accountsMax)
    try demand("--slow-connections", settings.slowConnections, 0...LoadLimits.slowConnectionsMax)
    try demand("--page", settings.page, 1...Limits.pageMax)
    guard scenario != .singleCalls || settings.batch == 1 else {
      throw .usage("--scenario single-calls sends one transaction a request: leave --batch out.")
    }
    guard scenario.posts || batch == nil else { throw .usage("--scenario reads posts nothing: leave --batch out.") }
    guard settings.tls == nil || settings.carrier != .raw else {
      throw .usage("The sockets of --through raw speak no TLS: add --through client, or --no-tls.")
    }
    guard settings.tls == nil || settings.slowConnections == 0 else {
      throw .usage("--slow-connections speak no TLS: leave one of the two out.")
    }
    guard duration == nil || transactions == nil else {
      throw .usage("--duration and --transactions exclude each other.")
    }
    try demandSeconds("--duration", duration ?? 1, least: 0.001)
    try demandSeconds("--warmup", warmup, least: 0)
    if let transactions, transactions < 1 || transactions > UInt64(Int32.max) * 1_000 {
      throw .usage("--transactions takes 1 to \(UInt64(Int32.max) * 1_000), not \(transactions).")
    }
    if let rate, !(rate > 0 && rate <= 1e9) { throw .usage("--rate takes more than 0 and at most 10^9, not \(rate).") }
    if discard, verify || report != nil || rate != nil {
      throw .usage("--discard sends nothing: leave --verify, --report and --rate out.")
    }
  }

  /// At most a week: what is counted in nanoseconds must fit.
  private func demandSeconds(_ option: String, _ value: Double, least: Double) throws(LoadError) {
    guard value >= least, value <= 604_800 else {
      throw .usage("\(option) takes \(Text.plain(least)) to 604800 seconds, not \(value).")
    }
  }
}
