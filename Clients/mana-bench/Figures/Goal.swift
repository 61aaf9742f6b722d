/// What a figure is to reach.
struct Goal: Equatable, Sendable {
  enum Bound: Equatable, Sendable {
    case atLeast(Double)
    case atMost(Double)
    /// Measured for the reader; nothing is asked of it.
    case none
  }

  var bound: Bound
  /// Better still, in the same direction: beyond the bound, or nothing.
  private(set) var stretch: Double?
  /// Where the bound comes from when it is not a plain number: `120 × Redis`.
  var origin: String?

  static func atLeast(_ value: Double, stretch: Double? = nil, origin: String? = nil) -> Goal {
    Goal(bound: .atLeast(value), stretch: stretch.flatMap { $0 > value ? $0 : nil }, origin: origin)
  }

  static func atMost(_ value: Double, origin: String? = nil) -> Goal { Goal(bound: .atMost(value), origin: origin) }

  static let none = Goal(bound: .none)

  func text(in unit: Unit) -> String {
    var text: String
    switch bound {
    case .none: return ""
    case .atLeast(let value): text = "at least " + unit.text(value)
    case .atMost(let value): text = "at most " + unit.text(value)
    }
    if let origin { text += " (\(origin))" }
    if let stretch { text += "; better \(unit.text(stretch))" }
    return text
  }

  func judge(_ value: Double) -> Verdict {
    switch bound {
    case .none: return .noted
    case .atLeast(let least):
      if let stretch, value >= stretch { return .surpassed }
      return value >= least ? .reached : .missed
    case .atMost(let most):
      return value <= most ? .reached : .missed
    }
  }

  /// How far a value falls short, in hundredths of the goal; nil when it does not.
  func shortfall(_ value: Double) -> Double? {
    guard judge(value) == .missed else { return nil }
    switch bound {
    case .atLeast(let goal), .atMost(let goal): return (value / goal - 1).magnitude * 100
    case .none: return nil
    }
  }
}

/// What is said of a figure.
enum Verdict: String, Codable, Sendable {
  /// Beyond what was hoped for.
  case surpassed
  case reached
  case missed
  /// Nothing was asked of it.
  case noted
  /// Could not be measured here; the remark says why.
  case unavailable
}
