/// What encryption and many callers cost.
extension Session {
  // MARK: TLS

  /// Batches over TLS against batches in the clear, one after the other in each round, both through the client library.
  func encryptionFigure() throws(BenchError) -> Figure {
    let (name, what) = ("tls", "TLS against the clear, batches of 8190 through the client library")
    let goal = Goal.atLeast(0.6)
    guard let openssl = Program.find("openssl") else {
      return Figure(unavailable: name, what, .times, goal, because: "there is no openssl to make a certificate with")
    }
    let (certificate, key) = (workbench.path("server.pem"), workbench.path("server.key"))
    try workbench.run(
      "openssl", at: openssl,
      [
        "req", "-x509", "-newkey", "ed25519", "-noenc", "-days", "2", "-subj", "/CN=ledger", "-addext",
        "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
      ])
    let length = LoadRun.Length.seconds(plan.seconds, warmup: plan.warmupSeconds)
    let clear = LoadRun(arguments: Loads.batchesThroughClient, length: length)
    let encrypted = LoadRun(arguments: Loads.batchesThroughClient + ["--tls-ca", certificate], length: length)
    var (ratios, clearRates, encryptedRates) = ([Double](), [Double](), [Double]())
    for round in 1...plan.rounds {
      progress.begin("batches in the clear, \(round) of \(plan.rounds)")
      let before = try onEmptyLedger { server throws(BenchError) in try load(clear, server) }.transactionsPerSecond
      progress.begin("batches over TLS, \(round) of \(plan.rounds)")
      let after = try onEmptyLedger(arguments: ["--tls-certificate", certificate, "--tls-key", key]) {
        server throws(BenchError) in try load(encrypted, server)
      }.transactionsPerSecond
      clearRates.append(before)
      encryptedRates.append(after)
      ratios.append(after / before)
    }
    return Figure(
      name, what, Quantity.median(ratios), .times, goal, rounds: ratios,
      remark: "\(Quantity.rate(Quantity.median(encryptedRates)))/s against "
        + "\(Quantity.rate(Quantity.median(clearRates)))/s",
      command: LoadRun(arguments: Loads.batchesThroughClient + ["--tls-ca", "server.pem"], length: length).command)
  }

  // MARK: Slow connections

  private static let slowConnections = 10_000

  /// The p99 of single calls beside slow connections against the p99 without them, one after the other in each round.
  func crowdFigure() throws(BenchError) -> Figure {
    let count = Self.slowConnections
    let length = LoadRun.Length.seconds(plan.seconds, warmup: plan.warmupSeconds)
    let alone = LoadRun(arguments: Loads.callsBesideSlowConnections, length: length)
    let crowded = LoadRun(arguments: alone.arguments + ["--slow-connections", "\(count)"], length: length)
    let server = ["--connections-max", "\(count + 100)"]
    var (ratios, aloneTimes, crowdedTimes) = ([Double](), [Double](), [Double]())
    for round in 1...plan.rounds {
      progress.begin("single calls alone, \(round) of \(plan.rounds)")
      let before = try onEmptyLedger(arguments: server) { server throws(BenchError) in try load(alone, server) }
      progress.begin("single calls beside \(count) slow connections, \(round) of \(plan.rounds)")
      let after = try onEmptyLedger(arguments: server) { server throws(BenchError) in try load(crowded, server) }
      aloneTimes.append(before.latencyMicroseconds.p99)
      crowdedTimes.append(after.latencyMicroseconds.p99)
      ratios.append(after.latencyMicroseconds.p99 / before.latencyMicroseconds.p99)
    }
    return Figure(
      "crowd", "p99 of single calls beside 10,000 slow connections against without", Quantity.median(ratios), .times,
      .atMost(2), rounds: ratios,
      remark: "\(Quantity.time(microseconds: Quantity.median(crowdedTimes))) against "
        + Quantity.time(microseconds: Quantity.median(aloneTimes)),
      command: "mana-server --connections-max \(count + 100); " + crowded.command)
  }
}
