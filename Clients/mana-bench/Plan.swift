/// How long, how often and how much. Everything else about a measurement is in the place that measures.
struct Plan: Equatable, Sendable {
  /// Of each measured run.
  var seconds: Double
  /// Before it, not measured.
  var warmupSeconds = 1.0
  /// How often a rate is measured, each time on an empty data directory; the median counts.
  var rounds: Int
  /// The ledger that growth, memory, disk and recovery are measured with, in transactions.
  var largeLedger: Int
  /// The ledger that it is compared with.
  var smallLedger: Int
  /// Transactions over which the throughput of either is measured.
  var window: Int
  /// Direct writes of the probe.
  var probeWrites: Int

  static let standard = Plan(
    seconds: 5, rounds: 3, largeLedger: 50_000_000, smallLedger: 1_000_000, window: 5_000_000, probeWrites: 4_000)

  /// A ledger a fifth as large, and everything once.
  static let quick = Plan(
    seconds: 2, rounds: 1, largeLedger: 10_000_000, smallLedger: 1_000_000, window: 2_000_000, probeWrites: 1_000)
}

/// Every limit of the tool itself, with its unit and its reason.
enum BenchLimits {
  /// How long a program may take to be ready, in seconds: a server with a large ledger recovers first.
  static let readySeconds = 180.0

  /// How long a run may take beyond its length, in seconds: it creates up to a million accounts first.
  static let runSlackSeconds = 240.0

  /// How long a program may take to end when asked to, in seconds; then it is killed.
  static let endSeconds = 20.0

  /// Between two looks at a program that is waited for, in nanoseconds. A look costs microseconds.
  static let lookNanoseconds: UInt64 = 5_000_000

  /// How long memory does not change before it has come to rest, in nanoseconds: a spare segment takes less to be made.
  static let restNanoseconds: UInt64 = 300_000_000

  /// From which share of withheld processor time on a rate says so.
  static let withheldNoted = 0.01

  /// What is quoted of a program that failed, in bytes from the end of its output.
  static let quotedBytes = 2_000
}
