import ArgumentParser

/// The list: groups of figures that one measurement gives, in the order in which they are measured.
enum FigureGroup: String, CaseIterable, ExpressibleByArgument {
  case probe, redis, batches, batchesBounded = "batches-bounded", batchesAtHand = "batches-at-hand"
  case manyAccounts = "many-accounts", smallBatches = "small-batches"
  case singleCalls = "single-calls", oneAtATime = "one-at-a-time", reads, ledger
  case memoryBeyond = "memory-beyond", shards, tls, crowd

  /// What `--help` says of each.
  var summary: String {
    switch self {
    case .probe: "what disk and memory do: one 512-byte write with its sync, megabytes, new memory"
    case .redis: "Redis, where it is installed, for the ratios"
    case .batches: "batches of 8190 over 10,000 accounts"
    case .batchesBounded: "the same with a server that keeps 256 MiB of the history in memory"
    case .batchesAtHand: "fewer of them, with memory that the system has at hand"
    case .manyAccounts: "the same over 1,000,000 accounts"
    case .smallBatches: "batches of 1000 and of 100"
    case .singleCalls: "single calls, 512 in flight on one connection"
    case .oneAtATime: "single calls, one at a time"
    case .reads: "pages of 100, alone and while charges run"
    case .ledger: "memory, disk, growth, longest turn and recovery of a large ledger"
    case .memoryBeyond: "memory of transactions whose segments are not resident"
    case .shards: "two shards against one"
    case .tls: "batches over TLS against batches in the clear; needs openssl"
    case .crowd: "single calls beside 10,000 slow connections"
    }
  }

  func measure(_ session: Session) throws(BenchError) -> [Figure] {
    switch self {
    case .probe: try session.probeFigures()
    case .redis: [try session.redisFigure()]
    case .batches: try session.batchFigures()
    case .batchesBounded: try session.boundedBatchFigures()
    case .batchesAtHand: try session.batchesAtHandFigures()
    case .manyAccounts: [try session.manyAccountsFigure()]
    case .smallBatches: try session.smallBatchFigures()
    case .singleCalls: [try session.singleCallsFigure()]
    case .oneAtATime: [try session.oneAtATimeFigure()]
    case .reads: try session.readFigures()
    case .ledger: try session.ledgerFigures()
    case .memoryBeyond: [try session.memoryBeyondFigure()]
    case .shards: try session.shardFigures()
    case .tls: [try session.encryptionFigure()]
    case .crowd: [try session.crowdFigure()]
    }
  }
}
