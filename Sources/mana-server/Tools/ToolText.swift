// How the tools write what is in a journal: as the command line `mana` and the protocol's specification do.

import ManaText

enum ToolText {
  /// An account, a transaction or a ledger: the unsigned integer below 2^64, otherwise the UUID in lower case.
  static func id(_ number: UInt128) -> String {
    if number <= UInt128(UInt64.max) { return String(number) }
    let digits = String(number, radix: 16)
    let hex = Array(String(repeating: "0", count: 32 - digits.count) + digits)
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
  }

  /// The number of an id in either form; nil for anything else.
  static func number(ofID text: String) -> UInt128? {
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return UInt128(text) }
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy(\.isHexDigit) else { return nil }
    return UInt128(groups.joined(), radix: 16)
  }

  /// Micromana as Mana: `1.5`, `-0.01`, `500.0`.
  static func mana(_ micromana: Int64) -> String {
    let (whole, fraction) = micromana.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
    var digits = Substring(padded(fraction, 6))
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    return "\(micromana < 0 ? "-" : "")\(whole).\(digits)"
  }

  /// RFC 3339 in UTC with as many fractional digits as the moment needs. Calendar arithmetic after Howard Hinnant,
  /// "chrono-compatible low-level date algorithms".
  static func time(_ nanoseconds: UInt64) -> String {
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
    if fraction > 0 {
      var digits = Substring(padded(fraction, 9))
      while digits.last == "0" { digits.removeLast() }
      text += ".\(digits)"
    }
    return text + "Z"
  }

  static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// `1 block`, `2,000 blocks`.
  static func count(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(NumberText.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// `1.5 GB`, in powers of ten.
  static func bytes(_ count: Int) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")]
    for (size, unit) in units where count >= size {
      return "\(count / size).\(count % size * 10 / size) \(unit)"
    }
    return "\(count) bytes"
  }

  /// Text of a caller for a terminal: nothing in it may control one.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }

  private static func padded(_ number: UInt64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
