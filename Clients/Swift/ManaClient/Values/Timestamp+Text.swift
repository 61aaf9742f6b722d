// RFC 3339 text of a moment: 2026-11-23T14:00:00.25Z. Calendar arithmetic after Howard Hinnant, "chrono-compatible
// low-level date algorithms": days are counted in eras of 400 years that begin on 1 March, so that the leap day is the
// last day of a year.

extension Timestamp: LosslessStringConvertible {
  private static let perSecond: UInt64 = 1_000_000_000

  /// UTC with as many fractional digits as the moment needs, from none to nine: `2026-11-23T14:00:00.25Z`.
  public var description: String {
    let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: Self.perSecond)
    let (days, ofDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let (year, month, day) = Self.date(ofDay: Int(days))
    let date = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    let hours = Self.padded(Int(ofDay / 3_600), 2)
    let minutes = Self.padded(Int(ofDay / 60 % 60), 2)
    var text = "\(date)T\(hours):\(minutes):\(Self.padded(Int(ofDay % 60), 2))"
    if fraction > 0 {
      var digits = Substring(Self.padded(Int(fraction), 9))
      while digits.last == "0" { digits.removeLast() }
      text += ".\(digits)"
    }
    return text + "Z"
  }

  /// Parses RFC 3339: a date, `T` or a space, a time with up to nine fractional digits, and `Z` or an offset.
  ///
  /// Nil for anything else: a date that does not exist, a leap second, a moment outside 1970 to 2554. Linear.
  public init?(_ text: String) {
    var reader = DigitReader(rest: Array(text.utf8)[...])
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), reader.skip("T", "t", " "), let hour = reader.number(2), reader.skip(":"),
      let minute = reader.number(2), reader.skip(":"), let second = reader.number(2)
    else { return nil }
    guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year), hour < 24, minute < 60,
      second < 60
    else { return nil }
    guard let fraction = reader.fraction(), let offset = reader.offsetSeconds(), reader.rest.isEmpty else { return nil }
    let seconds = Self.day(ofYear: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
    guard seconds >= 0 else { return nil }
    let (scaled, scaleOverflow) = UInt64(seconds).multipliedReportingOverflow(by: Self.perSecond)
    let (total, overflow) = scaled.addingReportingOverflow(UInt64(fraction))
    guard !scaleOverflow, !overflow else { return nil }
    nanoseconds = total
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }

  /// The date of the day that is `day` days after 1970-01-01.
  private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let (era, ofEra) = (day + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  /// Days from 1970-01-01 to a date that exists.
  private static func day(ofYear year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// Takes numbers of a fixed width off the front of a text.
private struct DigitReader {
  var rest: ArraySlice<UInt8>

  mutating func number(_ width: Int) -> Int? {
    guard rest.count >= width else { return nil }
    var value = 0
    for byte in rest.prefix(width) {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    rest = rest.dropFirst(width)
    return value
  }

  mutating func skip(_ any: UnicodeScalar...) -> Bool {
    guard let first = rest.first, any.contains(UnicodeScalar(first)) else { return false }
    rest.removeFirst()
    return true
  }

  /// The nanoseconds of ".25"; 0 when there is no point.
  mutating func fraction() -> Int? {
    guard skip(".") else { return 0 }
    let width = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
    guard (1...9).contains(width), var value = number(width) else { return nil }
    for _ in width..<9 { value *= 10 }
    return value
  }

  /// The seconds by which "+02:00" is ahead of UTC; 0 for "Z".
  mutating func offsetSeconds() -> Int? {
    if skip("Z", "z") { return 0 }
    let isBehind = rest.first == UInt8(ascii: "-")
    guard skip("+", "-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else {
      return nil
    }
    let seconds = hours * 3_600 + minutes * 60
    return isBehind ? -seconds : seconds
  }
}
