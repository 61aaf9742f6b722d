/// A moment in nanoseconds since 1970-01-01T00:00:00Z, without leap seconds; it ends in the year 2554.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Nanoseconds since 1970.
  public var nanoseconds: UInt64

  /// The moment that many nanoseconds after the beginning of 1970.
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The present, by the system's clock.
  public static var now: Timestamp { Timestamp(nanoseconds: systemNanoseconds()) }

  /// Whether the left moment is earlier.
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The moment that much later, or earlier when `duration` is negative. Traps outside 1970 to 2554.
  public static func + (moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(nanoseconds: UInt64(Int128(moment.nanoseconds) + wholeNanoseconds(duration)))
  }

  /// The moment that much earlier. Traps outside 1970 to 2554.
  public static func - (moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(nanoseconds: UInt64(Int128(moment.nanoseconds) - wholeNanoseconds(duration)))
  }

  /// The time from `right` to `left`.
  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    let difference = Int128(left.nanoseconds) - Int128(right.nanoseconds)
    let (seconds, rest) = difference.quotientAndRemainder(dividingBy: 1_000_000_000)
    return Duration(secondsComponent: Int64(seconds), attosecondsComponent: Int64(rest) * 1_000_000_000)
  }

  private static func wholeNanoseconds(_ duration: Duration) -> Int128 {
    let (seconds, attoseconds) = duration.components
    return Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
  }
}

extension Timestamp: Codable {
  /// Decodes RFC 3339 text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Timestamp(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is no RFC 3339 time")
    }
    self = value
  }

  /// Encodes RFC 3339 text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
