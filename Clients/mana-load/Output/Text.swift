import ManaText

/// Quantities of this program as people read them. Nothing here depends on a locale.
enum Text {
  /// A setting as it was written: without decimal places when it has none.
  static func plain(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }

  /// A number of things: `1 shard`, `2 shards`.
  static func count(_ value: Int, _ thing: String) -> String {
    NumberText.grouped(value) + " " + thing + (value == 1 ? "" : "s")
  }

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
    NumberText.fixed(value, places: value < 10 ? 2 : value < 100 ? 1 : 0)
  }
}
