import ManaClient
import ManaProtocol

/// A run from its set-up to its result.
struct LoadRun {
  let settings: LoadSettings
  let progress: ProgressLine

  /// Creates the accounts, warms up, measures, and verifies when that is asked for.
  func run() async throws(LoadError) -> LoadResult {
    let welcome = try await checkLimits()
    var setUp = SetUpSource(
      generator: ItemGenerator(
        accounts: settings.accounts, distribution: settings.distribution, seed: settings.seed),
      spendsEach: settings.scenario == .reads ? settings.page : 0, itemsMax: welcome.itemsMax, progress: progress)
    let setUpDriver = try single(bodyBytesMax: setUp.bodyBytesMax, inFlight: setUpInFlight(welcome))
    _ = try await setUpDriver.run(&setUp, pacing: .closed)
    end()

    let driver = try driver()
    let slow = try slowConnections()
    var generator = setUp.generator
    var book = settings.verifies ? setUp.book : nil
    var unknown: [Item] = []
    if settings.warmupSeconds > 0 {
      let warm = try await phase("warm-up", driver, generator, book, seconds: settings.warmupSeconds, limit: nil)
      (generator, book, unknown) = (warm.source.generator, warm.source.book, warm.source.unknown)
    }
    let startedAt = System.unixTime()
    let measured: Phase
    switch settings.length {
    case .seconds(let seconds):
      measured = try await phase("measured", driver, generator, book, seconds: seconds, limit: nil)
    case .transactions(let count):
      measured = try await phase("measured", driver, generator, book, seconds: nil, limit: count)
    }
    end()
    try await slow?.end()
    unknown += measured.source.unknown
    var verification: VerificationResult?
    if let book = measured.source.book {
      verification = try await verify(book, unknown, accounts: measured.source.generator.accounts)
    }
    return LoadResult(
      settings: settings, server: ServerFacts(welcome), machine: Machine.current, startedAt: startedAt,
      meter: measured.source.meter, notSent: measured.overdue, reconnections: driver.reconnections,
      verification: verification)
  }

  private struct Phase {
    var source: TrafficSource
    /// Requests of an open loop that were due and not sent.
    var overdue: UInt64
  }

  private func phase(
    _ name: String, _ driver: any LoadDriver, _ generator: ItemGenerator, _ book: AccountBook?, seconds: Double?,
    limit: UInt64?
  ) async throws(LoadError) -> Phase {
    let start = System.now()
    var source = TrafficSource(
      settings, generator: generator, book: book, limit: limit, phase: name, progress: progress,
      startNanoseconds: start)
    let pacing = Pacing(
      requestsPerSecond: settings.requestsPerSecond, deadlineNanoseconds: seconds.map { start + UInt64($0 * 1e9) })
    let overdue = try await driver.run(&source, pacing: pacing)
    source.meter.finish(atLeastSeconds: seconds ?? 0)
    return Phase(source: source, overdue: overdue)
  }

  private func driver() throws(LoadError) -> any LoadDriver {
    switch settings.carrier {
    case .raw:
      return try RawDriver(
        to: settings.server, as: settings.credential, connections: settings.connections, inFlight: settings.inFlight,
        bodyBytesMax: settings.bodyBytesMax)
    case .client, .executor:
      return try ClientDriver(
        settings, connections: settings.connections, inFlight: settings.connections * settings.inFlight)
    }
  }

  /// The connections that dribble while the others are measured.
  private struct Slow {
    let count: Int
    let task: Task<Int, Never>

    /// Throws `unreachable` when the server has ended some: then something else was measured.
    func end() async throws(LoadError) {
      task.cancel()
      let ended = await task.value
      guard ended == 0 else { throw .unreachable("The server has ended \(ended) of \(count) slow connections.") }
    }
  }

  private func slowConnections() throws(LoadError) -> Slow? {
    guard settings.slowConnections > 0 else { return nil }
    let connections = try SlowConnections(
      settings.slowConnections, to: settings.server, as: settings.credential)
    return Slow(count: settings.slowConnections, task: Task.detached { await connections.dribble() })
  }

  /// A driver of one connection, for what is not measured.
  private func single(bodyBytesMax: Int, inFlight: Int) throws(LoadError) -> any LoadDriver {
    if settings.tls != nil { return try ClientDriver(settings, connections: 1, inFlight: inFlight) }
    return try RawDriver(
      to: settings.server, as: settings.credential, connections: 1, inFlight: inFlight, bodyBytesMax: bodyBytesMax)
  }

  private func setUpInFlight(_ welcome: Welcome) -> Int {
    let frameBytes = FrameHeader.bytes + BatchView.bodyBytes(count: welcome.itemsMax, textBytes: 0)
    return max(1, min(LoadLimits.setUpInFlight, welcome.requestsInFlightMax, welcome.bytesInFlightMax / frameBytes))
  }

  /// Asks the server for its limits and throws `usage` when the settings go beyond them, before anything is posted.
  private func checkLimits() async throws(LoadError) -> Welcome {
    let welcome = try await askForLimits()
    guard !settings.scenario.posts || settings.batch <= welcome.itemsMax else {
      throw .usage("--batch \(settings.batch) is more than the server's \(welcome.itemsMax) transactions a request.")
    }
    guard !settings.scenario.lists || settings.page <= welcome.pageMax else {
      throw .usage("--page \(settings.page) is more than the server's \(welcome.pageMax) transactions a page.")
    }
    try RawDriver.check(welcome, inFlight: settings.inFlight, bodyBytesMax: settings.bodyBytesMax)
    return welcome
  }

  private func askForLimits() async throws(LoadError) -> Welcome {
    if settings.tls != nil { return try await ClientDriver(settings, connections: 1, inFlight: 1).welcome() }
    return try RawConnection(to: settings.server, as: settings.credential, slotCount: 1, bodyBytesMax: 0).welcome
  }

  private func verify(
    _ book: AccountBook, _ unknown: [Item], accounts: AccountSet
  ) async throws(LoadError) -> VerificationResult {
    var lookup = LookupSource(unknown, accounts: accounts, book: book)
    let inFlight = LoadLimits.verificationInFlight
    _ = try await single(bodyBytesMax: lookup.bodyBytesMax, inFlight: inFlight).run(&lookup, pacing: .closed)
    var overview = OverviewSource(accounts: accounts, book: lookup.book, progress: progress)
    _ = try await single(bodyBytesMax: overview.bodyBytesMax, inFlight: inFlight).run(&overview, pacing: .closed)
    end()
    return VerificationResult(
      accounts: accounts.count, unknownApplied: lookup.applied, unknownNotApplied: lookup.notApplied,
      mismatches: overview.mismatches, mismatchCount: overview.mismatchCount)
  }

  private func end() {
    var line = progress
    line.end()
  }
}
