/// Numbers as people read them. Nothing here depends on a locale.
enum Text {
  /// `value` with so many decimal places, rounded half away from zero.
  static func fixed(_ value: Double, places: Int) -> String {
    let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
    let scaled = UInt64((value.magnitude * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % UInt64(scale))
    return sign + String(scaled / UInt64(scale)) + "." + String(repeating: "0", count: places - fraction.count)
      + fraction
  }

  /// A setting as it was written: without decimal places when it has none.
  static func plain(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }

  /// An integer with a comma before each three digits.
  static func grouped(_ value: some BinaryInteger) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A number of things: `1 shard`, `2 shards`.
  static func count(_ value: Int, _ thing: String) -> String { grouped(value) + " " + thing + (value == 1 ? "" : "s") }

  /// A rate, to the integer, in the same way.
  static func grouped(_ value: Double) -> String { grouped(Int(value.rounded())) }

  /// A latency in the unit that leaves one to three digits before the point.
  static func latency(_ nanoseconds: UInt64) -> String {
    switch nanoseconds {
    case ..<1_000: "\(nanoseconds) ns"
    case ..<1_000_000: significant(Double(nanoseconds) / 1e3) + " µs"
    case ..<1_000_000_000: significant(Double(nanoseconds) / 1e6) + " ms"
    default: significant(Double(nanoseconds) / 1e9) + " s"
    }
  }

  private static func significant(_ value: Double) -> String {
    fixed(value, places: value < 10 ? 2 : value < 100 ? 1 : 0)
  }
}
