/// A vertical axis: where its marks are, and how high a value is.
struct ChartAxis {
  /// What is written beside the axis, ascending. The first is its foot, the last its top.
  let marks: [Double]
  private let scale: Chart.Scale

  /// An axis with round marks on which `least` to `most` fit.
  init(_ scale: Chart.Scale, from least: Double, to most: Double) {
    self.scale = scale
    switch scale {
    case .linear:
      let step = Self.roundStep(most / 4)
      let count = max(1, Int((most / step).rounded(.up)))
      marks = (0...count).map { Double($0) * step }
    case .logarithmic:
      // Three marks a decade, or one where there are many decades.
      let isLong = most / max(1, least) > 2_000
      var marks = [isLong ? Self.decade(of: max(1, least)) : Self.roundFloor(max(1, least))]
      while marks[marks.count - 1] < most || marks.count < 2 {
        marks.append(isLong ? marks[marks.count - 1] * 10 : Self.next(after: marks[marks.count - 1]))
      }
      self.marks = marks
    }
  }

  /// From 0 at the foot to 1 at the top.
  func position(_ value: Double) -> Double {
    let (foot, top) = (marks[0], marks[marks.count - 1])
    switch scale {
    case .linear: return value / top
    case .logarithmic: return Self.logarithm(max(value, foot) / foot) / Self.logarithm(top / foot)
    }
  }

  /// The smallest of 1, 2, 5 × 10^n that is at least `value`.
  static func roundStep(_ value: Double) -> Double {
    guard value > 0 else { return 1 }
    let power = decade(of: value)
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? power * 10
  }

  /// The largest of 1, 2, 5 × 10^n that is at most `value`, which is positive.
  private static func roundFloor(_ value: Double) -> Double {
    let power = decade(of: value)
    return [5, 2, 1].map { $0 * power }.first { $0 <= value } ?? power
  }

  /// The largest 10^n that is at most `value`.
  private static func decade(of value: Double) -> Double {
    var power = 1.0
    while power * 10 <= value { power *= 10 }
    while power > value { power /= 10 }
    return power
  }

  /// The next of 1, 2, 5 × 10^n.
  private static func next(after mark: Double) -> Double {
    let power = decade(of: mark)
    return mark < power * 1.5 ? power * 2 : mark < power * 3 ? power * 5 : power * 10
  }

  /// The binary logarithm of a number that is at least 1, to 2^-20: drawing needs no more, and no library.
  static func logarithm(_ value: Double) -> Double {
    var result = Double(value.exponent)
    var fraction = value.significand
    var bit = 0.5
    while bit > 1e-6 {
      fraction *= fraction
      if fraction >= 2 {
        fraction /= 2
        result += bit
      }
      bit /= 2
    }
    return result
  }
}
