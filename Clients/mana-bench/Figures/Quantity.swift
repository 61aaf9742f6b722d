import ManaText

/// What a figure counts, and how people read it.
enum Unit: String, Codable, Sendable {
  case perSecond = "/s"
  case pagesPerSecond = "pages/s"
  /// Values are in microseconds.
  case microseconds
  case bytes
  case bytesPerSecond = "bytes/s"
  /// Of something, such as a transaction.
  case bytesEach = "bytes each"
  /// Values are ratios.
  case times
  case percent

  /// A value with its unit, to three digits.
  func text(_ value: Double) -> String {
    switch self {
    case .perSecond: Quantity.rate(value) + "/s"
    case .pagesPerSecond: Quantity.rate(value) + " pages/s"
    case .microseconds: Quantity.time(microseconds: value)
    case .bytes: Quantity.digits(value / 1e6) + " MB"
    case .bytesPerSecond: Quantity.digits(value / 1e6) + " MB/s"
    case .bytesEach: Quantity.digits(value) + " bytes"
    case .times: Quantity.digits(value) + " times"
    case .percent: Quantity.digits(value) + " %"
    }
  }
}

/// Numbers as people read them. Nothing here depends on a locale.
enum Quantity {
  /// `280 µs`, `8.10 ms`, `2.00 s`.
  static func time(microseconds: Double) -> String {
    switch microseconds {
    case ..<1_000: digits(microseconds) + " µs"
    case ..<1_000_000: digits(microseconds / 1e3) + " ms"
    default: digits(microseconds / 1e6) + " s"
    }
  }

  /// `7.80 million`, or `366,000`.
  static func rate(_ value: Double) -> String { value >= 999_500 ? digits(value / 1e6) + " million" : digits(value) }

  /// Three digits, or an integer that is grouped and ends in zeros.
  static func digits(_ value: Double) -> String {
    let magnitude = value.magnitude
    switch magnitude {
    case ..<9.995: return NumberText.fixed(value, places: 2)
    case ..<99.95: return NumberText.fixed(value, places: 1)
    case ..<999.5: return NumberText.fixed(value, places: 0)
    default:
      var step = 1.0
      while magnitude / step >= 999.5 { step *= 10 }
      return NumberText.grouped(Int((value / step).rounded() * step))
    }
  }

  /// The middle of some values, the lower one of two; 0 of none.
  static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[(values.count - 1) / 2]
  }

  /// The value that so many hundredths of all do not exceed; 0 of none.
  static func percentile(_ percent: Double, of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let rank = (Double(values.count) * percent / 100).rounded(.up)
    return values.sorted()[min(values.count, max(1, Int(rank))) - 1]
  }
}
