import ManaClient
import ManaProtocol
import Testing

@testable import mana

@Suite("The table of the customer's page")
struct HistoryTableTests {
  /// One line of the page.
  static func line(
    _ operation: ManaProtocol.Operation, _ change: String, _ balance: String, quantity: Int = 0, note: String = ""
  ) -> ShownTransaction {
    ShownTransaction(
      id: 7, account: 42, type: operation.type, operation: operation, change: Mana(change)!,
      balanceAfter: Mana(balance)!, timestamp: Timestamp("2026-01-15T10:30:00Z")!, sequence: 1, quantity: quantity,
      note: note)
  }

  static let typical = [
    line(.imageGeneration, "-1.5", "998.5"), line(.imageGeneration, "-1.5", "997.0"),
    line(.detection, "-1.0", "996.0"), line(.variation, "-2.0", "994.0"), line(.variation, "-2.0", "992.0"),
    line(.combination, "-1.0", "991.0"),
  ]

  /// The sessions of the page, with one time for all lines.
  @Test(arguments: [
    (
      typical,
      [
        "image_generation    -1.5    998.5    2026-01-15T10:30:00Z",
        "image_generation    -1.5    997.0    2026-01-15T10:30:00Z",
        "detection           -1.0    996.0    2026-01-15T10:30:00Z",
        "variation           -2.0    994.0    2026-01-15T10:30:00Z",
        "variation           -2.0    992.0    2026-01-15T10:30:00Z",
        "combination         -1.0    991.0    2026-01-15T10:30:00Z",
      ]
    ),
    (
      [line(.combination, "-10", "500", quantity: 1000), line(.export, "-5", "495", quantity: 500)],
      [
        "combination        -10.0    500.0    2026-01-15T10:30:00Z  (1000 combos)",
        "export             -5.0     495.0    2026-01-15T10:30:00Z  (500 files)",
      ]
    ),
    (
      [line(.variation, "-2", "998"), line(.refund, "2", "1000", note: "operation failed")],
      [
        "variation          -2.0     998.0    2026-01-15T10:30:00Z",
        "refund             +2.0     1000.0   2026-01-15T10:30:00Z  (operation failed)",
      ]
    ),
    (
      [line(.purchase, "500", "1500", note: "$40 Creator Pack")],
      ["purchase           +500.0   1500.0   2026-01-15T10:30:00Z  ($40 Creator Pack)"]
    ),
    (
      [
        line(.bonus, "1234567.25", "9223372036854.775807"), line(.detection, "-0.000001", "-1", quantity: 4, note: "n"),
      ],
      [
        "bonus              +1234567.25  9223372036854.775807  2026-01-15T10:30:00Z",
        "detection          -0.000001    -1.0                  2026-01-15T10:30:00Z  (×4, n)",
      ]
    ),
    ([], []),
  ])
  func sessions(transactions: [ShownTransaction], expected: [String]) {
    let table = HistoryTable(clock: WallClock(isUTC: true), hasColour: false)
    #expect(table.lines(transactions) == expected)
  }

  /// Without colours nothing but colours is missing.
  @Test(arguments: [
    (line(.detection, "-1", "9"), "31"), (line(.purchase, "1", "9"), "32"), (line(.refund, "1", "9"), "34"),
    (line(.bonus, "1", "9"), "33"),
  ])
  func colours(transaction: ShownTransaction, code: String) {
    let plain = HistoryTable(clock: WallClock(isUTC: true), hasColour: false).lines([transaction])[0]
    let coloured = HistoryTable(clock: WallClock(isUTC: true), hasColour: true).lines([transaction])[0]
    let (on, off) = ("\u{1B}[\(code)m", "\u{1B}[0m")
    let amount = transaction.change.signedDescription
    #expect(coloured.hasPrefix("\(on)\(transaction.operation.name)\(off) "))
    #expect(coloured.contains("\(on)\(amount)\(off)"))
    let stripped = coloured.split(separator: on).joined().split(separator: off).joined()
    #expect(stripped == plain)
  }

  @Test func idsEndTheLines() {
    let table = HistoryTable(clock: WallClock(isUTC: true), hasColour: false, hasIDs: true)
    #expect(
      table.lines([Self.line(.detection, "-1", "9", note: "a"), Self.line(.export, "-1", "8")]) == [
        "detection          -1.0     9.0      2026-01-15T10:30:00Z  (a)  id 7",
        "export             -1.0     8.0      2026-01-15T10:30:00Z       id 7",
      ])
  }

  @Test func aNoteCannotCommandTheTerminal() {
    let table = HistoryTable(clock: WallClock(isUTC: true), hasColour: false)
    let text = table.lines([Self.line(.bonus, "1", "1", note: "a\u{1B}[2J\nb\u{9B}c")])[0]
    #expect(text.hasSuffix("(a\\u{1b}[2J\\u{a}b\\u{9b}c)"))
  }

  @Test(arguments: [
    (WallClock.Fields(year: 2026, month: 11, day: 23, hour: 10, minute: 30), "10:30 AM"),
    (WallClock.Fields(year: 2026, month: 11, day: 23, hour: 14, minute: 5), "2:05 PM"),
    (WallClock.Fields(year: 2026, month: 11, day: 23, hour: 0, minute: 0), "12:00 AM"),
    (WallClock.Fields(year: 2026, month: 11, day: 23, hour: 12, minute: 0), "12:00 PM"),
    (WallClock.Fields(year: 2026, month: 11, day: 22, hour: 10, minute: 30), "Nov 22"),
    (WallClock.Fields(year: 2026, month: 1, day: 15, hour: 10, minute: 30), "Jan 15"),
    (WallClock.Fields(year: 2025, month: 11, day: 23, hour: 10, minute: 30), "Nov 23, 2025"),
  ])
  func times(time: WallClock.Fields, expected: String) {
    let today = WallClock.Fields(year: 2026, month: 11, day: 23, hour: 18)
    #expect(WallClock(isUTC: false).brief(time, today: today) == expected)
  }
}
