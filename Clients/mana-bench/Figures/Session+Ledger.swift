/// What the ledger gives back, takes up and goes through.
extension Session {
  func readFigures() throws(BenchError) -> [Figure] {
    let alone = try measure("pages of 100, alone", Loads.reads)
    let pages = alone.rounds.map(\.requestsPerSecond)
    let run = LoadRun(arguments: Loads.reads, length: .seconds(plan.seconds, warmup: plan.warmupSeconds))
    // Longer than the reads with their set-up take, and ended with them.
    let charging = LoadRun(arguments: Loads.chargesBeside, length: .seconds(plan.seconds * 3 + 20, warmup: 0))
    var together: [LoadFigures] = []
    for round in 1...plan.rounds {
      progress.begin("pages of 100 while charges run, \(round) of \(plan.rounds)")
      let figures = try onEmptyLedger { server throws(BenchError) in
        let charges = try charging.start(workbench, against: server)
        defer { charges.kill() }
        let figures = try load(run, server)
        if let status = charges.status { throw charges.failure("the charges ended early, with status \(status)") }
        return figures
      }
      together.append(figures)
    }
    return [
      Figure(
        "reads", "pages of 100, newest first, 16 in flight", Quantity.median(pages), .pagesPerSecond, .atLeast(50_000),
        rounds: pages, remark: alone.latency, command: alone.command),
      Figure(
        "reads-while-charging", "their p99 while 500,000 charges/s run", p99(together), .microseconds, .atMost(5_000),
        rounds: together.map(\.latencyMicroseconds.p99),
        remark: Unit.pagesPerSecond.text(Quantity.median(together.map(\.requestsPerSecond))), command: run.command),
    ]
  }

  private func p99(_ rounds: [LoadFigures]) -> Double { Quantity.median(rounds.map(\.latencyMicroseconds.p99)) }

  func ledgerFigures() throws(BenchError) -> [Figure] {
    let life = try ledgerLife()
    let transactions = Quantity.rate(life.transactions)
    return [
      Figure("memory-at-start", "resident memory of an empty server", life.startBytes, .bytes, .atMost(300e6)),
      Figure(
        "memory", "resident memory a transaction, its segment resident",
        (life.filledBytes - life.startBytes) / life.transactions, .bytesEach, .atMost(130),
        remark: "\(Unit.bytes.text(life.filledBytes)) with \(transactions) transactions"),
      Figure(
        "disk", "disk a charge, in batches", life.journal.usedBytes / life.finalTransactions, .bytesEach, .atMost(100),
        remark: Unit.bytesEach.text(life.journal.fileBytes / life.finalTransactions)
          + " with what is made ready for blocks to come"),
      growthFigure(life),
      turnFigure(life),
      Figure(
        "recovery", "recovery without a checkpoint, the digest of every block compared",
        life.finalTransactions / life.recoverySeconds, .perSecond, .atLeast(3e6),
        remark: "\(Quantity.rate(life.finalTransactions)) transactions in "
          + "\(Quantity.time(microseconds: life.recoverySeconds * 1e6)), from start to ready; "
          + "\(Quantity.time(microseconds: life.restartSeconds * 1e6)) behind the checkpoint of an orderly end"),
    ]
  }

  private func growthFigure(_ life: LedgerLife) -> Figure {
    let (large, small) = (Quantity.median(life.largeRates), Quantity.median(life.smallRates))
    let sizes = (Quantity.rate(Double(plan.largeLedger)), Quantity.rate(Double(plan.smallLedger)))
    return Figure(
      "growth", "throughput with \(sizes.0) transactions, of that with \(sizes.1)", large / small * 100, .percent,
      .atLeast(70), remark: "\(Unit.perSecond.text(large)) and \(Unit.perSecond.text(small)), memory at hand")
  }

  private func turnFigure(_ life: LedgerLife) -> Figure {
    let what = "longest turn, table growth and segment change included"
    guard let turn = life.longestTurn else {
      return Figure(
        unavailable: "longest-turn", what, .microseconds, .atMost(20_000), because: "the server's log does not name it")
    }
    return Figure(
      "longest-turn", what, turn / 1e3, .microseconds, .atMost(20_000), remark: life.lateness.text ?? "")
  }
}
