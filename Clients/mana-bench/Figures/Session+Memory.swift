/// What memory has to do with it: a ledger that finds it at hand, and one that keeps little of it.
extension Session {
  // MARK: Memory at hand

  /// Batches on an empty ledger that finds memory at hand: what the server itself can do. Without that, a virtual machine
  /// may have to ask its host for each page, and that is what is measured.
  func batchesAtHandFigures() throws(BenchError) -> [Figure] {
    let run = LoadRun(arguments: Loads.batches, length: .transactions(plan.window))
    var rounds: [LoadFigures] = []
    let before = ProcessorTimes.now
    for round in 1...plan.rounds {
      progress.begin("batches of 8190, memory at hand, \(round) of \(plan.rounds)")
      rounds.append(
        try onEmptyLedger { server throws(BenchError) in
          try LedgerLife.haveMemoryAtHand(for: plan.window)
          return try load(run, server)
        })
    }
    let rate = Rate(rounds: rounds, command: run.command, withheld: ProcessorTimes.now.withheld(since: before))
    return [
      Figure(
        "batches-at-hand", "\(Quantity.rate(Double(plan.window))) charges in such batches, memory at hand", rate.median,
        .perSecond, .atLeast(7e6, stretch: 10e6), rounds: rate.each, remark: rate.latency, command: rate.command),
      Figure(
        "batches-at-hand-p99", "their p99", rate.p99, .microseconds, .atMost(10_000),
        rounds: rounds.map(\.latencyMicroseconds.p99), command: rate.command),
    ]
  }

  // MARK: Memory beyond what is resident

  /// Of what the tables take when they double: their own size at that moment. Sizes in between take other shares of
  /// the room that the tables have, so several are measured.
  private static let sizes = [1.0, 1.2, 1.4, 1.7]
  private static let segmentBytes = 4 << 20

  /// Memory of transactions whose segments have left it: by what the process has grown since a ledger with a tenth of
  /// the smallest size, which has the segments that stay and the spares already, divided by the transactions since.
  func memoryBeyondFigure() throws(BenchError) -> Figure {
    let (name, what) = ("memory-beyond", "memory a transaction whose segment is not resident, at most")
    let base = Double(plan.largeLedger / 10)
    let points = [0.1 * base] + Self.sizes.map { $0 * base } + Self.sizes.map { $0 * base * 2 }
    let server = ["--segment-bytes", "\(Self.segmentBytes)", "--resident-memory", "\(Self.segmentBytes * 2)"]
    let bytes = try onEmptyLedger(arguments: server) { server throws(BenchError) in
      var (bytes, charged) = ([Double](), 0.0)
      for point in points {
        progress.begin("a ledger with few segments resident, up to \(Quantity.rate(point)) transactions")
        let run = LoadRun(arguments: Loads.batches, length: .transactions(Int(point - charged)))
        charged += try load(run, server).accepted
        bytes.append(try server.settledResidentBytes())
      }
      return bytes
    }
    let shares = points.indices.dropFirst().map { (bytes[$0] - bytes[0]) / (points[$0] - points[0]) }
    return Figure(
      name, what, shares.max() ?? 0, .bytesEach, .atMost(24), rounds: shares,
      remark:
        "\(Unit.bytes.text(bytes[bytes.count - 1])) with \(Quantity.rate(points[points.count - 1])) transactions, "
        + "\(server.joined(separator: " "))")
  }
}
