import Foundation
import ManaClient
import Testing

@Suite("Timestamps") struct TimestampTests {
  @Test(
    "A moment is RFC 3339 text with as many digits as it needs",
    arguments: [
      ("1970-01-01T00:00:00Z", UInt64(0)),
      ("1970-01-01T00:00:00.000000001Z", 1),
      ("2026-01-15T10:00:00Z", 1_768_471_200_000_000_000),
      ("2026-01-15T10:00:00.00000004Z", 1_768_471_200_000_000_040),
      ("2024-02-29T23:59:59.25Z", 1_709_251_199_250_000_000),
      ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
      ("2100-03-01T00:00:00Z", 4_107_542_400_000_000_000),
      ("2554-07-21T23:34:33.709551615Z", .max),
    ])
  func text(text: String, nanoseconds: UInt64) {
    #expect(Timestamp(nanoseconds: nanoseconds).description == text)
    #expect(Timestamp(text)?.nanoseconds == nanoseconds)
  }

  @Test(
    "Other spellings of RFC 3339 are read",
    arguments: [
      ("2026-01-15t10:00:00z", "2026-01-15T10:00:00Z"),
      ("2026-01-15 10:00:00Z", "2026-01-15T10:00:00Z"),
      ("2026-01-15T12:30:00+02:30", "2026-01-15T10:00:00Z"),
      ("2026-01-14T22:00:00.5-12:00", "2026-01-15T10:00:00.5Z"),
      ("2026-01-15T10:00:00.100Z", "2026-01-15T10:00:00.1Z"),
      ("2026-01-15T10:00:00-00:00", "2026-01-15T10:00:00Z"),
    ])
  func spellings(text: String, canonical: String) { #expect(Timestamp(text)?.description == canonical) }

  @Test(
    "What is no moment is refused",
    arguments: [
      "", "2026-01-15", "2026-01-15T10:00:00", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z",
      "2026-01-00T00:00:00Z", "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
      "2026-01-15T24:00:00Z", "2026-01-15T10:60:00Z", "2026-01-15T10:00:60Z", "2026-01-15T10:00:00.Z",
      "2026-01-15T10:00:00.1234567890Z", "2026-01-15T10:00:00+24:00", "2026-01-15T10:00:00+0200",
      "2026-01-15T10:00:00Zx", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2554-07-21T23:34:33.709551616Z",
      "2600-01-01T00:00:00Z", "-026-01-15T10:00:00Z", "26-01-15T10:00:00Z",
    ])
  func refused(text: String) { #expect(Timestamp(text) == nil) }

  @Test("Dates agree with Foundation's, and text with its moment")
  func foundation() {
    var generator = SeededGenerator.fresh()
    let formatter = ISO8601DateFormatter()
    for _ in 0..<2_000 {
      let moment = Timestamp(nanoseconds: generator.next())
      #expect(Timestamp(moment.description) == moment, "\(moment), seed \(generator.seed)")
      let seconds = moment.nanoseconds / 1_000_000_000
      let whole = Timestamp(nanoseconds: seconds * 1_000_000_000)
      let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
      #expect(whole.description == expected, "seed \(generator.seed)")
    }
  }

  @Test("Moments and durations add up")
  func arithmetic() {
    let moment = Timestamp("2026-01-15T10:00:00.25Z")!
    #expect((moment + .seconds(1) + .nanoseconds(5)).description == "2026-01-15T10:00:01.250000005Z")
    #expect((moment - .milliseconds(250)).description == "2026-01-15T10:00:00Z")
    #expect(moment - (moment + .milliseconds(1_500)) == .milliseconds(-1_500))
  }
}
