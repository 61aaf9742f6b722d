/// A line of the list: what was wanted, what was measured, what is to be said of it.
struct Figure: Encodable, Equatable, Sendable {
  /// What `--only` knows it by.
  var name: String
  /// What was measured, for people.
  var what: String
  var goal: String
  /// The goal as a number, in the unit of the value; nil when nothing is asked.
  var goalValue: Double?
  /// Nil when it could not be measured.
  var value: Double?
  var unit: Unit
  /// The value of each round, in order, when there were several.
  var rounds: [Double]
  var verdict: Verdict
  /// What else a reader wants to know.
  var remark: String
  /// The command that does it by hand; empty when there is none.
  var command: String

  init(
    _ name: String, _ what: String, _ value: Double, _ unit: Unit, _ goal: Goal, rounds: [Double] = [],
    remark: String = "", command: String = ""
  ) {
    self.name = name
    self.what = what
    self.goal = goal.text(in: unit)
    goalValue = goal.value
    self.value = value
    self.unit = unit
    self.rounds = rounds.count > 1 ? rounds : []
    verdict = goal.judge(value)
    self.remark = remark
    self.command = command
    if let shortfall = goal.shortfall(value) {
      let words = "\(Quantity.digits(shortfall)) % \(goal.isFloor ? "below" : "above") the goal"
      self.remark = remark.isEmpty ? words : words + "; " + remark
    }
  }

  /// A figure that could not be measured, and why.
  init(unavailable name: String, _ what: String, _ unit: Unit, _ goal: Goal, because reason: String) {
    self.init(name, what, 0, unit, goal)
    value = nil
    verdict = .unavailable
    remark = reason
  }

  var measured: String {
    guard let value else { return "not measured" }
    return unit.text(value)
  }

  /// From the lowest round to the highest, when there were several.
  var range: String {
    guard let least = rounds.min(), let most = rounds.max() else { return "" }
    return "\(unit.text(least)) to \(unit.text(most))"
  }
}

extension Goal {
  fileprivate var value: Double? {
    switch bound {
    case .atLeast(let value), .atMost(let value): value
    case .none: nil
    }
  }

  fileprivate var isFloor: Bool { if case .atLeast = bound { true } else { false } }
}

/// All figures of a run, and where and when.
struct FigureList: Equatable, Sendable {
  var date: String
  var machine: String
  var plan: String
  var figures: [Figure]

  private func count(_ verdicts: Verdict...) -> Int { figures.count { verdicts.contains($0.verdict) } }

  var reached: Int { count(.reached, .surpassed) }
  var missed: Int { count(.missed) }
  var unavailable: Int { count(.unavailable) }

  /// The overall line.
  var summary: String {
    var text = "\(reached) of \(reached + missed) goals reached"
    let names = figures.filter { $0.verdict == .missed }.map(\.name)
    if !names.isEmpty { text += ", missed: " + names.joined(separator: ", ") }
    if unavailable > 0 { text += "; \(unavailable) not measured" }
    return text
  }
}
