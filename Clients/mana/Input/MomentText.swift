import ManaClient

/// Parses a moment: RFC 3339 (`2026-01-15T10:30:00Z`), a local date (`2026-01-15`) with or without a time of day
/// (`2026-01-15 10:30`), or a duration, which means that long before `now` (`1d`). Nil for anything else.
func parseMoment(_ text: String, now: Timestamp) -> Timestamp? {
  if let moment = Timestamp(text) { return moment }
  if let duration = parseDuration(text) {
    return UInt64(duration.milliseconds) <= now.nanoseconds / 1_000_000 ? now - duration : nil
  }
  let parts = text.split(whereSeparator: { $0 == " " || $0 == "T" })
  guard (1...2).contains(parts.count), let date = numbers(parts[0], separator: "-", widths: [4, 2, 2]) else {
    return nil
  }
  var fields = WallClock.Fields(year: date[0], month: date[1], day: date[2])
  if parts.count == 2 {
    guard
      let time = numbers(parts[1], separator: ":", widths: [2, 2, 2])
        ?? numbers(parts[1], separator: ":", widths: [2, 2]).map({ $0 + [0] }),
      time[0] < 24, time[1] < 60, time[2] < 60
    else { return nil }
    (fields.hour, fields.minute, fields.second) = (time[0], time[1], time[2])
  }
  guard (1...12).contains(fields.month), (1...31).contains(fields.day) else { return nil }
  return WallClock.moment(ofLocal: fields)
}

/// Numbers of fixed widths between separators.
private func numbers(_ text: Substring, separator: Character, widths: [Int]) -> [Int]? {
  let parts = text.split(separator: separator, omittingEmptySubsequences: false)
  guard parts.map(\.count) == widths, parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }) else {
    return nil
  }
  return parts.compactMap { Int($0) }
}
