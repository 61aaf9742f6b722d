import ManaTesting

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
      "\(totals.seeds) seeds without a finding, \(failures.count) with one, in \(Self.rounded(seconds)) s "
        + "(\(Self.rounded(rate)) a second)",
      "\(totals.crashes) crashes, \(totals.transactions) transactions, \(totals.answers) answers, "
        + "\(totals.steps) steps",
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
    let faults = FaultKind.allCases.map { "\"\($0.name)\":\(totals.counts[$0])" }.joined(separator: ",")
    let found = failures.map { "{\"seed\":\($0.seed),\"message\":\(Self.quoted($0.message))}" }.joined(separator: ",")
    return "{\"seeds\":\(totals.seeds),\"seconds\":\(Self.rounded(seconds)),\"seedsPerSecond\":\(Self.rounded(rate)),"
      + "\"crashes\":\(totals.crashes),\"transactions\":\(totals.transactions),\"answers\":\(totals.answers),"
      + "\"steps\":\(totals.steps),\"silentFaults\":{\"refused\":\(totals.detected),\"found\":\(totals.found),"
      + "\"harmless\":\(totals.harmless)},\"faults\":{\(faults)},\"failures\":[\(found)]}\n"
  }

  private static func rounded(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      default: scalar.value < 0x20 ? " " : String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
}
