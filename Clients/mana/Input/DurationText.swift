// Durations: one or more whole numbers with a unit, the larger units first: 30s, 5m, 1h30m, 1d, 250ms.

private let units: [(name: String, milliseconds: Int64)] = [
  ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
]

/// Parses a duration such as `5m`; nil for anything else.
func parseDuration(_ text: String) -> Duration? {
  var rest = text[...]
  var milliseconds: Int64 = 0
  var nextUnit = 0
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest[digits.endIndex...]
    let name = rest.prefix { $0.isLetter }
    rest = rest[name.endIndex...]
    guard let number = Int64(digits), let unit = units[nextUnit...].firstIndex(where: { $0.name == name }) else {
      return nil
    }
    let (part, overflow) = number.multipliedReportingOverflow(by: units[unit].milliseconds)
    let (sum, sumOverflow) = milliseconds.addingReportingOverflow(part)
    guard !overflow, !sumOverflow else { return nil }
    milliseconds = sum
    nextUnit = unit + 1
  }
  return text.isEmpty ? nil : .milliseconds(milliseconds)
}

/// The duration as ``parseDuration(_:)`` reads it, with its two largest units: `1h 30m`, `12s`, `0s`.
func durationText(_ duration: Duration) -> String {
  var rest = duration.milliseconds
  var parts: [String] = []
  for unit in units where unit.milliseconds > 1 || (parts.isEmpty && rest > 0) {
    let (number, remainder) = rest.quotientAndRemainder(dividingBy: unit.milliseconds)
    rest = remainder
    if number > 0 { parts.append("\(number)\(unit.name)") }
  }
  return parts.isEmpty ? "0s" : parts.prefix(2).joined(separator: " ")
}

extension Duration {
  /// Whole milliseconds, rounded towards zero.
  var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
