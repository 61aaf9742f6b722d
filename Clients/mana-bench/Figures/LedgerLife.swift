/// A ledger that is filled, measured while it is large, ended in an orderly manner, and recovered.
struct LedgerLife {
  /// Resident memory right after the start of an empty server, in bytes.
  var startBytes: Double
  /// And with `transactions` in it.
  var filledBytes: Double
  /// Transactions when `filledBytes` was read.
  var transactions: Double
  /// Transactions a second over the plan's window, with the large ledger and with the small one.
  var largeRates: [Double]
  var smallRates: [Double]
  /// In nanoseconds, with everything that the ledger went through; nil when the server does not name it.
  var longestTurn: Double?
  /// What the machine did meanwhile.
  var lateness: LatenessWatch.Lateness
  /// Transactions at the end.
  var finalTransactions: Double
  /// Bytes of the journal's blocks, and of the files that they are in.
  var journal: JournalFiles
  /// From the start of the process to its ready line: behind the checkpoint of the end, and without any.
  var restartSeconds: Double
  var recoverySeconds: Double

  init(_ session: Session) throws(BenchError) {
    let plan = session.plan
    let window = LoadRun(arguments: Loads.batches, length: .transactions(plan.window))
    var smallRates: [Double] = []
    for round in 1...3 {
      session.progress.begin("batches with \(Quantity.rate(Double(plan.smallLedger))) transactions, \(round) of 3")
      let rate = try session.onEmptyLedger { server throws(BenchError) in
        _ = try session.load(LoadRun(arguments: Loads.batches, length: .transactions(plan.smallLedger)), server)
        try Self.haveMemoryAtHand(for: plan.window)
        return try session.load(window, server).transactionsPerSecond
      }
      smallRates.append(rate)
    }
    self.smallRates = smallRates

    let directory = session.workbench.path("ledger")
    defer { System.removeTree(directory) }
    let server = try LedgerServer(session.workbench, directory: directory)
    let watch = LatenessWatch()
    defer {
      watch.stop()
      server.kill()
    }
    startBytes = server.residentBytes
    session.progress.begin("filling a ledger with \(Quantity.rate(Double(plan.largeLedger))) transactions")
    let filling = LoadRun(arguments: Loads.batches, length: .transactions(plan.largeLedger))
    let filled = try session.load(filling, server)
    filledBytes = server.residentBytes
    let accounts = Double(Loads.accounts)
    transactions = filled.accepted + accounts
    var (largeRates, charged) = ([Double](), filled.accepted)
    for round in 1...3 {
      session.progress.begin("batches with \(Quantity.rate(charged)) transactions, \(round) of 3")
      try Self.haveMemoryAtHand(for: plan.window)
      let figures = try session.load(window, server)
      largeRates.append(figures.transactionsPerSecond)
      charged += figures.accepted
    }
    self.largeRates = largeRates
    finalTransactions = charged + accounts * 4
    longestTurn = try server.stop()
    lateness = watch.stop()
    journal = JournalFiles(directory)

    session.progress.begin("starting with \(Quantity.rate(finalTransactions)) transactions")
    restartSeconds = try Self.start(session, directory, arguments: [], finding: finalTransactions)
    session.progress.begin("recovering \(Quantity.rate(finalTransactions)) transactions")
    recoverySeconds = try Self.start(
      session, directory, arguments: ["--checkpoint-bytes", "0"], finding: finalTransactions)
  }

  /// Starts a server, which must have so many transactions, and ends it: the seconds to its ready line.
  private static func start(
    _ session: Session, _ directory: String, arguments: [String], finding transactions: Double
  ) throws(BenchError) -> Double {
    let server = try LedgerServer(session.workbench, directory: directory, arguments: arguments)
    defer { server.kill() }
    let found = try server.recovery().transactions
    guard found == transactions else {
      throw .failed(
        what: "\(Int(transactions)) transactions were acknowledged, and \(Int(found)) recovered", output: "")
    }
    return server.startSeconds
  }
}

extension LedgerLife {
  /// Touches as much memory as so many transactions need, and gives it back. A virtual machine may have to ask its host
  /// for memory that has been free for long, which says nothing about growth: both ledgers find it at hand.
  static func haveMemoryAtHand(for transactions: Int) throws(BenchError) {
    _ = try System.timeNewMemory(bytes: transactions * 200)
  }
}

/// The segments of a data directory.
struct JournalFiles: Equatable {
  /// Up to the last byte of each shard that is not zero: what blocks take up.
  var usedBytes: Double
  /// What the files take up, a segment that is ready for use included.
  var fileBytes: Double

  init(_ directory: String) {
    (usedBytes, fileBytes) = (0, 0)
    for shard in System.names(in: directory) where shard.hasPrefix("shard-") {
      let folder = directory + "/" + shard
      // The last segments may be all zero, made ready for blocks to come.
      var isTail = true
      for name in System.names(in: folder).reversed() where name.hasSuffix(".segment") {
        let bytes = Double(System.fileBytes(folder + "/" + name))
        fileBytes += bytes
        if isTail {
          let used = System.usedBytes(folder + "/" + name)
          usedBytes += Double(used)
          isTail = used == 0
        } else {
          usedBytes += bytes
        }
      }
    }
  }
}
