import ManaClient
import ManaProtocol
import Testing

@testable import mana

/// What belongs to a day depends on the time zone, of which a process has one. So each test here is a process.
@Suite("Days of usage in time zones")
struct UsageDayTests {
  /// One zone: spends with their times, and what each day then has.
  struct Case {
    var zone: String
    var spends: [(amount: String, time: String)]
    var days: [(day: String, spent: String)]

    /// Enters the zone, and compares.
    func check() throws {
      let command = try UsageTests.parse("usage 42 --by day --time-zone \(zone)")
      #expect(command.timeZone == zone)
      let transactions = spends.map { UsageTests.transaction(.detection, $0.amount, at: $0.time) }
      let groups = UsageTests.usage(.day, transactions).groups
      #expect(groups.map(\.key.description) == days.map(\.day), "\(zone)")
      #expect(groups.map(\.sum.spent.description) == days.map(\.spent), "\(zone)")
    }
  }

  /// The last second of the 14th in UTC and the first of the 15th, seen from both sides.
  private static let midnight = [("1", "2026-01-14T23:59:59.999999999Z"), ("2", "2026-01-15T00:00:00Z")]

  static let boundaries = [
    Case(zone: "UTC", spends: midnight, days: [("2026-01-14", "1.0"), ("2026-01-15", "2.0")]),
    Case(zone: "Europe/Berlin", spends: midnight, days: [("2026-01-15", "3.0")]),
    Case(zone: "America/New_York", spends: midnight, days: [("2026-01-14", "3.0")]),
    Case(
      zone: "Asia/Kathmandu", spends: [("4", "2026-01-14T18:14:59Z"), ("8", "2026-01-14T18:15:00Z")],
      days: [("2026-01-14", "4.0"), ("2026-01-15", "8.0")]),
  ]

  /// Clocks go forward on 29 March 2026 in Berlin and back on 25 October: days of 23 and of 25 hours.
  static let changes = [
    Case(
      zone: "Europe/Berlin",
      spends: [
        ("1", "2026-03-28T22:59:59Z"), ("2", "2026-03-28T23:00:00Z"), ("4", "2026-03-29T21:59:59Z"),
        ("8", "2026-03-29T22:00:00Z"),
      ], days: [("2026-03-28", "1.0"), ("2026-03-29", "6.0"), ("2026-03-30", "8.0")]),
    Case(
      zone: "Europe/Berlin",
      spends: [
        ("1", "2026-10-24T21:59:59Z"), ("2", "2026-10-24T22:00:00Z"), ("4", "2026-10-25T22:59:59Z"),
        ("8", "2026-10-25T23:00:00Z"),
      ], days: [("2026-10-24", "1.0"), ("2026-10-25", "6.0"), ("2026-10-26", "8.0")]),
    // The day on which there was no midnight: the clocks of Beirut went from 0:00 to 1:00.
    Case(
      zone: "Asia/Beirut", spends: [("1", "2022-03-26T21:59:59Z"), ("2", "2022-03-26T22:00:00Z")],
      days: [("2022-03-26", "1.0"), ("2022-03-27", "2.0")]),
  ]

  @Test func aDayBeginsAtTheMidnightOfItsZone() async {
    await #expect(processExitsWith: .success) { for one in UsageDayTests.boundaries { try one.check() } }
  }

  @Test func aDayOnWhichClocksChangeIsOneDay() async {
    await #expect(processExitsWith: .success) { for one in UsageDayTests.changes { try one.check() } }
  }

  /// Dates without an offset are those of the zone, wherever the option stands.
  @Test func sinceAndUntilAreLocalToTheZone() async {
    await #expect(processExitsWith: .success) {
      for line in [
        "usage 42 --by day --since 2026-03-29 --until 2026-03-30 --time-zone Europe/Berlin",
        "usage 42 --time-zone Europe/Berlin --by day --since 2026-03-29 --until 2026-03-30",
      ] {
        let filter = try UsageTests.parse(line).filter
        #expect(filter.from == Timestamp("2026-03-28T23:00:00Z"))
        #expect(filter.until == Timestamp("2026-03-29T22:00:00Z"))
      }
      #expect(TimeZoneName.current?.description == "Europe/Berlin")
    }
  }

  @Test func theTableOfDays() async {
    await #expect(processExitsWith: .success) {
      _ = try UsageTests.parse("usage 42 --by day --time-zone UTC")
      let usage = UsageTests.usage(
        .day,
        [
          UsageTests.transaction(.refund, "2", at: "2026-02-01T08:00:00Z"),
          UsageTests.transaction(.combination, "10", at: "2026-01-31T09:00:00Z", quantity: 1000),
          UsageTests.transaction(.variation, "2", at: "2026-01-15T09:00:00Z"),
          UsageTests.transaction(.purchase, "500", at: "2026-01-15T08:00:00Z"),
        ])
      #expect(
        UsageTable(hasColour: false, width: 90).lines(usage) == [
          "day         spent  refunded  purchased  transactions  quantity",
          "2026-01-15    2.0                500.0             2            █████▎",
          "2026-01-31   10.0                                  1     1,000  ██████████████████████████",
          "2026-02-01              2.0                        1",
          "total        12.0       2.0      500.0             4     1,000",
        ])
    }
  }
}
