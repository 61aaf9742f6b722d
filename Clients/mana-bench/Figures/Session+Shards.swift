/// What several shards cost and gain.
extension Session {
  /// How a number of shards does the same work.
  private struct ShardRun {
    /// Transactions a second, by round.
    var rates: [Double]
    /// Processor time of the server in user mode, in nanoseconds a charge. The kernel's share is mostly new memory, and
    /// says more about the machine than about shards.
    var processor: Double

    var text: String {
      "\(Unit.perSecond.text(Quantity.median(rates))) with \(Quantity.digits(processor)) ns of user time each"
    }
  }

  func shardFigures() throws(BenchError) -> [Figure] {
    [
      try shardFigure("shards", "batches over 10,000 accounts", Loads.batches),
      try shardFigure("shards-one-account", "batches for one account", Loads.batchesForOne),
    ]
  }

  private func shardFigure(_ name: String, _ what: String, _ arguments: [String]) throws(BenchError) -> Figure {
    // A number of charges and no warm-up, so that the processor time is theirs.
    let run = LoadRun(arguments: arguments, length: .transactions(plan.window * 2))
    let one = try spend(run, shards: 1, what)
    let two = try spend(run, shards: 2, what)
    return Figure(
      name, "two shards against one, \(what)", Quantity.median(two.rates) / Quantity.median(one.rates), .times, .none,
      remark: "\(two.text), against \(one.text)", command: "mana-server --shards 2; " + run.command)
  }

  private func spend(_ run: LoadRun, shards: Int, _ what: String) throws(BenchError) -> ShardRun {
    var (rates, times) = ([Double](), [Double]())
    for round in 1...plan.rounds {
      progress.begin("\(what), \(shards == 1 ? "one shard" : "\(shards) shards"), \(round) of \(plan.rounds)")
      try onEmptyLedger(shards: shards) { server throws(BenchError) in
        let before = server.userNanoseconds
        let figures = try load(run, server)
        rates.append(figures.transactionsPerSecond)
        times.append((server.userNanoseconds - before) / figures.accepted)
      }
    }
    return ShardRun(rates: rates, processor: Quantity.median(times))
  }
}
