import Glibc
import ManaTesting

/// Runs seeds one after the other and tells the supervisor about each, in lines:
///
///     begin SEED
///     done SEED DIGEST              or   failed SEED MESSAGE
///     total NUMBERS                 once, at the end; see `Totals`
struct Worker {
  let seeds: Int
  let first: UInt64
  let stride: UInt64
  let plant: Simulation.Planted?
  let tracing: Bool
  let isAboutSpends: Bool

  func run() {
    var totals = Totals()
    for index in 0..<seeds {
      let seed = first + UInt64(index) * stride
      say("begin \(seed)")
      do {
        let outcome = try Simulation(seed: seed, tracing: tracing, planted: plant, isAboutSpends: isAboutSpends).run()
        totals.add(Totals(outcome))
        say("done \(seed) \(outcome.digest)")
      } catch {
        say("failed \(seed) \(error)")
      }
    }
    say("total \(totals.encoded)")
  }

  private func say(_ line: String) {
    print(line)
    fflush(nil)
  }
}

/// What all seeds together amounted to.
struct Totals {
  var seeds = 0
  var steps = 0
  var crashes = 0
  var transactions = 0
  var answers = 0
  var detected = 0
  var found = 0
  var harmless = 0
  var checkpoints = 0
  var begunWithCheckpoint = 0
  var counts = FaultCounts()

  mutating func add(_ other: Totals) {
    for field in Self.fields { self[keyPath: field] += other[keyPath: field] }
    counts.add(other.counts)
  }

  /// What is added up, in the order in which a worker tells it.
  private static var fields: [WritableKeyPath<Totals, Int>] {
    [
      \.seeds, \.steps, \.crashes, \.transactions, \.answers, \.detected, \.found, \.harmless, \.checkpoints,
      \.begunWithCheckpoint,
    ]
  }

  var encoded: String {
    let own = Self.fields.map { self[keyPath: $0] }
    let numbers = own + FaultKind.allCases.map { counts[$0] }
    return numbers.map(String.init).joined(separator: " ")
  }

  init() {}

  /// Of one seed.
  init(_ outcome: Simulation.Outcome) {
    seeds = 1
    (steps, crashes, transactions) = (outcome.steps, outcome.crashes, outcome.transactions)
    (answers, detected, found, harmless) = (outcome.answers, outcome.detected, outcome.found, outcome.harmless)
    (checkpoints, begunWithCheckpoint) = (outcome.checkpoints, outcome.begunWithCheckpoint)
    counts = outcome.counts
  }

  init?(encoded: some StringProtocol) {
    let numbers = encoded.split(separator: " ").compactMap { Int($0) }
    guard numbers.count == Self.fields.count + FaultKind.allCases.count else { return nil }
    for (field, number) in zip(Self.fields, numbers) { self[keyPath: field] = number }
    for (kind, number) in zip(FaultKind.allCases, numbers.dropFirst(Self.fields.count)) { counts[kind] = number }
  }
}
