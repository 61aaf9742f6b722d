import ManaProtocol
import ManaText
import Testing

@testable import mana_load

@Suite struct OutputTests {
  /// A result with latencies of 1 to 1000 µs, two samples and every kind of failure.
  static func result(_ scenario: Scenario = .combinationBatches, passed: Bool = true) -> LoadResult {
    var settings = LoadSettings()
    settings.scenario = scenario
    settings.seed = 42
    var meter = Meter(scenario, startNanoseconds: 0)
    for microsecond in 1...1_000 as ClosedRange<UInt64> { meter.completed(started: 0, now: microsecond * 1_000) }
    meter.tally.accepted = 5_000
    meter.tally.refusals[27] = 3
    meter.tally.errors[.overloaded] = 2
    _ = meter.turn(now: 1_000_000_000)
    meter.completed(started: 1_999_000_000, now: 2_000_000_000)
    _ = meter.turn(now: 2_000_000_000)
    meter.finish()
    return LoadResult(
      settings: settings, server: ServerFacts(name: "mana-server \"1\" <&>", ledger: 42, shards: 2),
      machine: Machine(system: "Linux", processor: "P", processors: 2, memoryBytes: 1 << 30), startedAt: 1_795_000_000,
      meter: meter, notSent: 4, reconnections: 1,
      verification: VerificationResult(
        accounts: 3, mismatches: passed ? [] : [Mismatch(account: 7, expected: .init(balance: 1, transactions: 1))],
        mismatchCount: passed ? 0 : 1))
  }

  @Test func theJSONBeginsWithWhatProgramsRelyOn() {
    let json = Self.result().json
    #expect(
      json.hasPrefix(
        #"{"scenario":"combination-batches","transactionsPerSecond":2500.0,"requestsPerSecond":500.5,"accepted":5000,"#
          + #""refused":3,"errors":2,"latencyMicroseconds":{"p50":"#))
    for key in [
      #""durationSeconds":2.000"#, #""seed":42"#, #""version":"mana-server \"1\" <&>""#, #""shards":2"#,
      #""failures":{"insufficientBalance":3,"overloaded":2}"#, #""notSent":4"#, #""batch":8190"#, #""passed":true"#,
    ] {
      #expect(json.contains(key), "\(key) in \(json)")
    }
    #expect(!json.contains("\n"))
  }

  @Test func percentilesAreThoseOfTheLatencies() {
    let latencies = Self.result().latencies
    let expected: [(UInt64, Double)] = [
      (latencies.p50, 500), (latencies.p90, 900), (latencies.p99, 990), (latencies.p999, 999), (latencies.max, 1_000),
    ]
    // Three significant digits: a thousandth either way, and a microsecond for the rank.
    for (nanoseconds, microseconds) in expected {
      #expect((Double(nanoseconds) / 1_000 - microseconds).magnitude <= 2, "\(expected)")
    }
  }

  /// A server that answers for a second of ten has a tenth of the rate, not all of it.
  @Test func anOutageCountsAsTime() {
    var meter = Meter(.singleCalls, startNanoseconds: 0)
    meter.completed(started: 0, now: 1_000_000_000)
    meter.finish(atLeastSeconds: 10)
    #expect(meter.durationSeconds == 10)
    meter.completed(started: 0, now: 11_000_000_000)
    meter.finish(atLeastSeconds: 10)
    #expect(meter.durationSeconds == 11)
  }

  @Test func samplesAreSummedWithoutLoss() {
    var first = Latencies()
    var second = Latencies()
    for value in 1...100 as ClosedRange<UInt64> { first.record(nanoseconds: value * 1_000) }
    second.add(first)
    second.add(first)
    #expect(second.count == 200)
    #expect(second.percentile(50) == first.percentile(50))
    first.removeAll()
    #expect(first.count == 0 && first.percentile(99) == 0 && first.summary.max == 0)
  }

  @Test func theTextSaysHowToRepeatIt() {
    let result = Self.result()
    for part in [
      "seed 42", result.settings.command, "2 shards", "not sent", "insufficientBalance 3", "P, 2 processors",
    ] {
      #expect(result.text.contains(part), "\(part)")
    }
  }

  @Test func aFailedVerificationNamesTheAccount() throws {
    let verification = try #require(Self.result(passed: false).verification)
    #expect(!verification.passed)
    #expect(verification.complaint.contains("account 7"))
    #expect(LoadError.verificationFailed("").exitStatus == 1)
  }

  @Test(arguments: Scenario.allCases)
  func theReportIsWholeAndSelfContained(_ scenario: Scenario) {
    let html = Report(Self.result(scenario)).html
    #expect(html.hasPrefix("<!DOCTYPE html>"))
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"] {
      #expect(!html.contains(outside), "\(outside)")
    }
    #expect(html.contains("mana-server &quot;1&quot; &lt;&amp;&gt;"))
    for tag in ["html", "head", "body", "style", "table", "tr", "th", "td", "section", "svg", "text", "h2", "p", "h1"] {
      let opened = html.split(separator: "<").count { $0.hasPrefix("\(tag)>") || $0.hasPrefix("\(tag) ") }
      let closed = html.split(separator: "<").count { $0.hasPrefix("/\(tag)>") }
      #expect(opened == closed && opened > 0, "\(tag): \(opened) opened, \(closed) closed")
    }
    #expect(html.split(separator: "<").count { $0.hasPrefix("polyline") } == 4)
  }

  @Test func numbersAreReadable() {
    let cases: [(String, String)] = [
      (NumberText.fixed(0.05, places: 1), "0.1"), (NumberText.fixed(-1.25, places: 2), "-1.25"),
      (NumberText.fixed(-0.01, places: 1), "0.0"),
      (NumberText.fixed(3, places: 0), "3"), (NumberText.fixed(1.005, places: 3), "1.005"),
      (NumberText.grouped(0), "0"),
      (NumberText.grouped(999), "999"), (NumberText.grouped(-1_000), "-1,000"),
      (NumberText.grouped(1_234_567.4), "1,234,567"),
      (Text.latency(999), "999 ns"), (Text.latency(1_500), "1.50 µs"), (Text.latency(23_400_000), "23.4 ms"),
      (Text.latency(2_000_000_000), "2.00 s"), (Text.plain(2), "2"), (Text.plain(2.5), "2.5"),
      (UInt128(42).identifierText, "42"),
      ((UInt128(1) << 64).identifierText, "00000000-0000-0001-0000-000000000000"),
    ]
    for (text, expected) in cases { #expect(text == expected) }
  }

  @Test func stepsAreRound() {
    for (value, step) in [(0.0, 1.0), (0.3, 0.5), (1, 1), (1.1, 2), (4, 5), (6, 10), (120_000, 200_000)] {
      #expect((ChartAxis.roundStep(value) - step).magnitude < step * 1e-9, "\(value)")
    }
  }

  static let axes: [(scale: Chart.Scale, least: Double, most: Double, marks: [Double])] = [
    (.linear, 0, 0, [0, 1]), (.linear, 5, 7.9, [0, 2, 4, 6, 8]), (.linear, 0, 8, [0, 2, 4, 6, 8]),
    (.logarithmic, 0, 0, [1, 2]), (.logarithmic, 3, 40, [2, 5, 10, 20, 50]),
    (.logarithmic, 1_000, 1_000, [1_000, 2_000]),
    (.logarithmic, 150, 90_000, [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]),
    (.logarithmic, 7, 3_000_000, [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]),
  ]

  @Test(arguments: axes.indices)
  func axesHaveRoundMarks(_ index: Int) {
    let (scale, least, most, marks) = Self.axes[index]
    let axis = ChartAxis(scale, from: least, to: most)
    #expect(axis.marks == marks)
    #expect(axis.position(marks[0]) == 0)
    #expect((axis.position(marks[marks.count - 1]) - 1).magnitude < 1e-5)
    for value in [least, most] { #expect((0...1.000_01).contains(axis.position(value))) }
  }

  @Test func aDecadeIsAsHighAsAnyOther() {
    let axis = ChartAxis(.logarithmic, from: 1, to: 100)
    #expect((axis.position(10) - 0.5).magnitude < 1e-5)
    for power in 0...40 { #expect((ChartAxis.logarithm(Double(1 << power)) - Double(power)).magnitude < 1e-9) }
    #expect((ChartAxis.logarithm(10) - 3.321_928_09).magnitude < 1e-5)
  }

  @Test func aSampleIsAStep() {
    let samples = [2.0, 4].map { Sample(seconds: $0, transactionsPerSecond: $0 * 10, p50: 1, p99: 1) }
    let steps = Report.steps(samples, \.transactionsPerSecond)
    #expect(steps.map(\.x) == [0, 2, 2, 4] && steps.map(\.y) == [20, 20, 40, 40])
  }

  @Test func longRunsAreThinned() {
    let samples = (1...5_000).map { Sample(seconds: Double($0), transactionsPerSecond: 10, p50: 1, p99: UInt64($0)) }
    let thinned = Report.thinned(samples)
    #expect(thinned.count <= LoadLimits.chartPoints)
    #expect(thinned.last?.seconds == 5_000 && thinned.last?.p99 == 5_000)
    #expect(thinned.allSatisfy { $0.transactionsPerSecond == 10 })
  }

  @Test func ninesAreEquallyFarApart() {
    let places = [90, 99, 99.9, 99.99].map { Report.position($0) }
    for (left, right) in zip(places, places.dropFirst()) { #expect((right - left - 1).magnitude < 1e-6) }
    #expect(LoadResult.charted == LoadResult.charted.sorted())
  }
}
