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

  func run() {
    var totals = Totals()
    for index in 0..<seeds {
      let seed = first + UInt64(index) * stride
      say("begin \(seed)")
      do {
        let outcome = try Simulation(seed: seed, tracing: tracing, planted: plant).run()
        totals.add(outcome)
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
  var counts = FaultCounts()

  mutating func add(_ outcome: Simulation.Outcome) {
    seeds += 1
    steps += outcome.steps
    crashes += outcome.crashes
    transactions += outcome.transactions
    answers += outcome.answers
    detected += outcome.detected
    found += outcome.found
    harmless += outcome.harmless
    counts.add(outcome.counts)
  }

  mutating func add(_ other: Totals) {
    seeds += other.seeds
    steps += other.steps
    crashes += other.crashes
    transactions += other.transactions
    answers += other.answers
    detected += other.detected
    found += other.found
    harmless += other.harmless
    counts.add(other.counts)
  }

  var encoded: String {
    let numbers =
      [seeds, steps, crashes, transactions, answers, detected, found, harmless] + FaultKind.allCases.map { counts[$0] }
    return numbers.map(String.init).joined(separator: " ")
  }

  init() {}

  init?(encoded: some StringProtocol) {
    let numbers = encoded.split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 8 + FaultKind.allCases.count else { return nil }
    (seeds, steps, crashes, transactions) = (numbers[0], numbers[1], numbers[2], numbers[3])
    (answers, detected, found, harmless) = (numbers[4], numbers[5], numbers[6], numbers[7])
    for (kind, number) in zip(FaultKind.allCases, numbers[8...]) { counts[kind] = number }
  }
}
