/// A stretch of a run, about a second.
struct Sample: Equatable, Sendable {
  /// When it ended, in seconds from the beginning.
  var seconds: Double
  var transactionsPerSecond: Double
  /// In nanoseconds.
  var p50: UInt64
  var p99: UInt64
}

/// Counts and times the requests of one phase. A value that is given the time.
struct Meter: Sendable {
  /// Length of a sample.
  static let sampleNanoseconds: UInt64 = 1_000_000_000

  var tally = Tally()
  private(set) var samples: [Sample] = []
  private(set) var latencies = Latencies()
  private let scenario: Scenario
  private let startNanoseconds: UInt64
  private var endNanoseconds: UInt64
  private var current = Latencies()
  private var sampleStart: UInt64
  private var transactionsBefore: UInt64 = 0

  init(_ scenario: Scenario, startNanoseconds: UInt64) {
    self.scenario = scenario
    self.startNanoseconds = startNanoseconds
    sampleStart = startNanoseconds
    endNanoseconds = startNanoseconds
  }

  /// What a rate counts: transactions that were posted, or read where nothing is posted.
  var transactions: UInt64 { scenario.posts ? tally.accepted : tally.read }

  /// From the beginning to the last reply, or to the end that `finish` was given, if that is later.
  var durationSeconds: Double { Double(endNanoseconds - startNanoseconds) / 1e9 }

  /// A request that began at `started` was answered.
  mutating func completed(started: UInt64, now: UInt64) {
    tally.requests += 1
    endNanoseconds = now
    current.record(nanoseconds: now > started ? now - started : 1)
  }

  /// The sample that has just come to its end, if one has.
  mutating func turn(now: UInt64) -> Sample? {
    now >= sampleStart + Self.sampleNanoseconds ? closeSample(now) : nil
  }

  /// Takes what the last, incomplete sample holds into `latencies`. A run of a fixed length took that long at least:
  /// when the server is gone for the rest of it, that is part of the result.
  mutating func finish(atLeastSeconds seconds: Double = 0) {
    takeSample()
    endNanoseconds = max(endNanoseconds, startNanoseconds + UInt64(seconds * 1e9))
  }

  private mutating func takeSample() {
    latencies.add(current)
    current.removeAll()
  }

  private mutating func closeSample(_ now: UInt64) -> Sample {
    let seconds = Double(now - sampleStart) / 1e9
    let sample = Sample(
      seconds: Double(now - startNanoseconds) / 1e9,
      transactionsPerSecond: Double(transactions - transactionsBefore) / seconds,
      p50: current.percentile(50), p99: current.percentile(99))
    samples.append(sample)
    takeSample()
    sampleStart = now
    transactionsBefore = transactions
    return sample
  }
}
