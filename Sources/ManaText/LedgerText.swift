/// What stands in a ledger, as its programs write it.
public enum LedgerText {
  /// An account, a transaction or a ledger: the unsigned integer below 2^64, otherwise the UUID in lower case.
  public static func id(_ number: UInt128) -> String {
    if number <= UInt128(UInt64.max) { return String(number) }
    let digits = String(number, radix: 16)
    let hex = Array(String(repeating: "0", count: 32 - digits.count) + digits)
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  /// Micromana as Mana: `1.5`, `-0.01`, `500.0`.
  public static func mana(_ micromana: Int64) -> String {
    (micromana < 0 ? "-" : "") + mana(micromana.magnitude)
  }

  /// The same for what is never negative.
  public static func mana(_ micromana: UInt64) -> String {
    let (whole, fraction) = micromana.quotientAndRemainder(dividingBy: 1_000_000)
    var digits = Substring(padded(fraction, 6))
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits)"
  }

  /// Reads what `mana` writes, without a sign: `1.5`, `500`. Nil for anything else, for more than six decimal places, and
  /// above 2^63 − 1 micromana. Linear.
  public static func micromana(_ text: some StringProtocol) -> UInt64? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, parts.count == 1 || (1...6).contains(parts[1].count) else {
      return nil
    }
    let decimals = parts.count == 1 ? [] : Array(parts[1])
    var value: UInt64 = 0
    for digit in Array(whole) + decimals + Array(repeating: UInt8(ascii: "0"), count: 6 - decimals.count) {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (shifted, shiftOverflows) = value.multipliedReportingOverflow(by: 10)
      let (next, overflows) = shifted.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      guard !shiftOverflows, !overflows else { return nil }
      value = next
    }
    return value <= UInt64(Int64.max) ? value : nil
  }

  /// RFC 3339 in UTC with as many fractional digits as the moment needs, or with exactly so many decimals, cut off.
  /// Calendar arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms".
  ///
  /// - Parameter decimals: Of the second, 1 to 9; nil for as many as are not zero.
  public static func time(_ nanoseconds: UInt64, decimals: Int? = nil) -> String {
    let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let (days, ofDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let (era, ofEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
    text += "\(padded(ofDay / 3_600, 2)):\(padded(ofDay / 60 % 60, 2)):\(padded(ofDay % 60, 2))"
    if let decimals {
      text += ".\(padded(fraction, 9).prefix(decimals))"
    } else if fraction > 0 {
      var digits = Substring(padded(fraction, 9))
      while digits.last == "0" { digits.removeLast() }
      text += ".\(digits)"
    }
    return text + "Z"
  }

  private static func padded(_ number: UInt64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
