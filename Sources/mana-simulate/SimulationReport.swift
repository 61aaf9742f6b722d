import ManaTesting
import ManaText

/// What a run found, for people and for programs.
struct SimulationReport {
  struct Failure {
    let seed: UInt64
    let message: String
  }

  /// From so many seeds on, each kind of fault must have happened.
  static let completeSeedsMin = 1_000

  let seedsAsked: Int
  let isPlanted: Bool
  var failures: [Failure] = []
  var totals = Totals()
  var seconds = 0.0

  /// Kinds of faults that a run of this length should have tried, and did not.
  var untried: [FaultKind] { seedsAsked >= Self.completeSeedsMin && !isPlanted ? totals.counts.missing : [] }

  /// With a planted error it is a failure to find nothing.
  var isFailure: Bool { isPlanted ? failures.isEmpty : !failures.isEmpty || !untried.isEmpty }

  private var rate: Double { Double(totals.seeds + failures.count) / max(seconds, 0.001) }

  var text: String {
    var lines = [
      "\(totals.seeds) seeds without a finding, \(failures.count) with one, in \(NumberText.fixed(seconds, places: 1)) s "
        + "(\(NumberText.fixed(rate, places: 1)) a second)",
      "\(totals.crashes) crashes, \(totals.transactions) transactions, \(totals.answers) answers, "
        + "\(totals.steps) steps",
      "\(totals.checkpoints) checkpoints made, \(totals.begunWithCheckpoint) begun with",
      "silent faults: \(totals.detected) refused at the next start, \(totals.found) to the very last write found by "
        + "the checker, \(totals.harmless) without consequence",
      "",
    ]
    let width = FaultKind.allCases.map(\.name.count).max()!
    for kind in FaultKind.allCases {
      let number = String(totals.counts[kind])
      lines.append(
        kind.name + String(repeating: " ", count: width + 12 - kind.name.count - number.count) + number)
    }
    if !untried.isEmpty { lines.append("never happened: \(untried.map(\.name).joined(separator: ", "))") }
    if isPlanted {
      lines.append(failures.isEmpty ? "the planted error was NOT found" : "the planted error was found")
    } else if let first = failures.first {
      lines.append("again, with a trace: make simulate SEED=\(first.seed)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  var json: String {
    var silent = JSONObject()
    silent.add("refused", totals.detected)
    silent.add("found", totals.found)
    silent.add("harmless", totals.harmless)
    var faults = JSONObject()
    for kind in FaultKind.allCases { faults.add(kind.name, totals.counts[kind]) }
    var object = JSONObject()
    object.add("seeds", totals.seeds)
    object.add("seconds", seconds, places: 1)
    object.add("seedsPerSecond", rate, places: 1)
    object.add("crashes", totals.crashes)
    object.add("transactions", totals.transactions)
    object.add("answers", totals.answers)
    object.add("steps", totals.steps)
    object.add("checkpoints", totals.checkpoints)
    object.add("begunWithCheckpoint", totals.begunWithCheckpoint)
    object.add("silentFaults", silent)
    object.add("faults", faults)
    object.add(
      "failures",
      failures.map { failure in
        var found = JSONObject()
        found.add("seed", failure.seed)
        found.add("message", failure.message)
        return found
      })
    return object.description + "\n"
  }
}
