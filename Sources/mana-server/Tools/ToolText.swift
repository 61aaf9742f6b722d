// How the tools write what is in a journal: as the command line `mana` and the protocol's specification do.

import ManaText

enum ToolText {
  static func id(_ number: UInt128) -> String { LedgerText.id(number) }

  /// The number of an id in either form; nil for anything else.
  static func number(ofID text: String) -> UInt128? {
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return UInt128(text) }
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy(\.isHexDigit) else { return nil }
    return UInt128(groups.joined(), radix: 16)
  }

  static func mana(_ micromana: Int64) -> String { LedgerText.mana(micromana) }
  static func time(_ nanoseconds: UInt64) -> String { LedgerText.time(nanoseconds) }
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
}
