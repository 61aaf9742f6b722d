import ManaClient

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns moments into what people read and back, in the time zone of `TZ` or in UTC.
struct WallClock: Sendable {
  /// UTC, with times written as RFC 3339.
  var isUTC: Bool
  /// What "today" means.
  var now: Timestamp

  init(isUTC: Bool, now: Timestamp = .now) {
    self.isUTC = isUTC
    self.now = now
  }

  /// A moment in the usage page's style: `10:30 AM` today, `Jan 15` this year, otherwise `Jan 15, 2025`. With UTC, the
  /// exact moment.
  func page(_ moment: Timestamp) -> String {
    isUTC ? moment.description : brief(Self.local(moment), today: Self.local(now))
  }

  /// A moment to the second: `2026-01-15 10:30:05`, or with UTC the exact moment.
  func full(_ moment: Timestamp) -> String {
    guard !isUTC else { return moment.description }
    let time = Self.local(moment)
    return "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2)) "
      + "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
  }

  /// The fields of a date and a time of day.
  struct Fields: Equatable {
    var year: Int
    var month: Int
    var day: Int
    var hour = 0
    var minute = 0
    var second = 0
  }

  func brief(_ time: Fields, today: Fields) -> String {
    let date = "\(Self.months[time.month - 1]) \(time.day)"
    guard time.year == today.year else { return "\(date), \(time.year)" }
    guard time.month == today.month, time.day == today.day else { return date }
    let hour = time.hour % 12 == 0 ? 12 : time.hour % 12
    return "\(hour):\(padded(time.minute, 2)) \(time.hour < 12 ? "AM" : "PM")"
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// The fields of a moment in the local time zone.
  static func local(_ moment: Timestamp) -> Fields {
    var seconds = time_t(moment.nanoseconds / 1_000_000_000)
    var fields = tm()
    localtime_r(&seconds, &fields)
    return Fields(
      year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
      hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
  }

  /// The moment that has these fields in the local time zone; nil for a date that does not exist, or before 1970.
  static func moment(ofLocal fields: Fields) -> Timestamp? {
    var time = tm()
    time.tm_year = CInt(fields.year - 1900)
    time.tm_mon = CInt(fields.month - 1)
    time.tm_mday = CInt(fields.day)
    time.tm_hour = CInt(fields.hour)
    time.tm_min = CInt(fields.minute)
    time.tm_sec = CInt(fields.second)
    time.tm_isdst = -1
    let seconds = mktime(&time)
    // The system normalises 31 April to 1 May; somebody who wrote that meant something else.
    guard seconds >= 0, time.tm_mday == CInt(fields.day), time.tm_mon == CInt(fields.month - 1) else { return nil }
    return Timestamp(nanoseconds: UInt64(seconds) * 1_000_000_000)
  }
}

/// A number with zeros before it, up to `width` digits.
func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
