import ArgumentParser

/// The list: groups of figures that one measurement gives, in the order in which they are measured.
enum FigureGroup: String, CaseIterable, ExpressibleByArgument {
  case probe, redis, batches, manyAccounts = "many-accounts", smallBatches = "small-batches"
  case singleCalls = "single-calls", oneAtATime = "one-at-a-time", reads, ledger, shards

  /// What `--help` says of each.
  var summary: String {
    switch self {
    case .probe: "what disk and memory do: one 512-byte write with its sync, megabytes, new memory"
    case .redis: "Redis, where it is installed, for the ratios"
    case .batches: "batches of 8190 over 10,000 accounts"
    case .manyAccounts: "the same over 1,000,000 accounts"
    case .smallBatches: "batches of 1000 and of 100"
    case .singleCalls: "single calls, 512 in flight on one connection"
    case .oneAtATime: "single calls, one at a time"
    case .reads: "pages of 100, alone and while charges run"
    case .ledger: "memory, disk, growth, longest turn and recovery of a large ledger"
    case .shards: "two shards against one"
    }
  }

  func measure(_ session: Session) throws(BenchError) -> [Figure] {
    switch self {
    case .probe: try session.probeFigures()
    case .redis: [try session.redisFigure()]
    case .batches: try session.batchFigures()
    case .manyAccounts: [try session.manyAccountsFigure()]
    case .smallBatches: try session.smallBatchFigures()
    case .singleCalls: [try session.singleCallsFigure()]
    case .oneAtATime: [try session.oneAtATimeFigure()]
    case .reads: try session.readFigures()
    case .ledger: try session.ledgerFigures()
    case .shards: try session.shardFigures()
    }
  }
}
