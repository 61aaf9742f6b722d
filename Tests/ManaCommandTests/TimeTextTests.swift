import ManaClient
import ManaText
import Testing

@testable import mana

@Suite("Durations and moments")
struct TimeTextTests {
  @Test(arguments: [
    ("5m", Duration.seconds(300) as Duration?), ("30s", .seconds(30)), ("2h", .seconds(7_200)),
    ("1d", .seconds(86_400)),
    ("250ms", .milliseconds(250)), ("1h30m", .seconds(5_400)), ("1d2h3m4s5ms", .milliseconds(93_784_005)),
    ("0s", .zero), ("", nil), ("5", nil), ("m", nil), ("5x", nil), ("-5m", nil), ("1.5h", nil), ("5m5h", nil),
    ("5m5m", nil), ("5 m", nil), ("99999999999999999999s", nil), ("9223372036854775807d", nil), ("٣m", nil),
  ])
  func durations(text: String, expected: Duration?) { #expect(parseDuration(text) == expected) }

  @Test(arguments: [
    (Duration.zero, "0s"), (.milliseconds(12), "12ms"), (.seconds(12), "12s"), (.milliseconds(12_345), "12s"),
    (.seconds(3_600), "1h"), (.seconds(5_430), "1h 30m"), (.seconds(90_061), "1d 1h"),
  ])
  func durationTexts(duration: Duration, expected: String) { #expect(durationText(duration) == expected) }

  static let now = Timestamp("2026-11-23T14:00:00Z")!

  @Test(arguments: [
    ("2026-01-15T10:30:00Z", "2026-01-15T10:30:00Z" as String?),
    ("2026-01-15T10:30:00.5+02:00", "2026-01-15T08:30:00.5Z"), ("15m", "2026-11-23T13:45:00Z"),
    ("1d", "2026-11-22T14:00:00Z"), ("0s", "2026-11-23T14:00:00Z"), ("yesterday", nil), ("2026-13-01", nil),
    ("2026-02-30", nil), ("2026-1-15", nil), ("2026-01-15 25:00", nil), ("2026-01-15 10:60", nil), ("10:30", nil),
    ("99999d", nil), ("1969-12-01", nil), ("", nil), ("2026-01-15 10:30 x", nil),
  ])
  func moments(text: String, expected: String?) {
    #expect(parseMoment(text, now: Self.now)?.description == expected)
  }

  /// In whatever time zone the test runs, local times come back as they were written.
  @Test(arguments: [
    ("2026-01-15", WallClock.Fields(year: 2026, month: 1, day: 15)),
    ("2026-07-15 10:30", WallClock.Fields(year: 2026, month: 7, day: 15, hour: 10, minute: 30)),
    ("2026-07-15T23:59:58", WallClock.Fields(year: 2026, month: 7, day: 15, hour: 23, minute: 59, second: 58)),
  ])
  func localMoments(text: String, expected: WallClock.Fields) throws {
    let moment = try #require(parseMoment(text, now: Self.now))
    #expect(WallClock.local(moment) == expected)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_000, "-1,000")])
  func groupedNumbers(number: Int, expected: String) { #expect(NumberText.grouped(number) == expected) }
}
