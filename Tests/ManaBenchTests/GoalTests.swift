import Testing

@testable import mana_bench

@Suite struct GoalTests {
  static let verdicts: [(goal: Goal, value: Double, verdict: Verdict, shortfall: Double?)] = [
    (.atLeast(100), 100, .reached, nil), (.atLeast(100), 99, .missed, 1), (.atLeast(100), 25, .missed, 75),
    (.atLeast(100, stretch: 200), 199, .reached, nil), (.atLeast(100, stretch: 200), 200, .surpassed, nil),
    (.atMost(10), 10, .reached, nil), (.atMost(10), 10.1, .missed, 1), (.atMost(10), 0, .reached, nil),
    (.none, 0, .noted, nil),
  ]

  @Test(arguments: verdicts.indices)
  func judges(_ index: Int) throws {
    let (goal, value, verdict, shortfall) = Self.verdicts[index]
    #expect(goal.judge(value) == verdict)
    let found = goal.shortfall(value)
    #expect((found == nil) == (shortfall == nil))
    if let found, let shortfall { #expect((found - shortfall).magnitude < 1e-6) }
  }

  /// Where the peer is fast, the bound can lie beyond what was only hoped for when it was slow.
  @Test func aStretchBelowTheBoundIsNone() {
    let goal = Goal.atLeast(10.5e6, stretch: 10e6, origin: "120 × Redis")
    #expect(goal.judge(10.2e6) == .missed)
    #expect(goal.judge(10.6e6) == .reached)
    #expect(goal.text(in: .perSecond) == "at least 10.5 million/s (120 × Redis)")
  }

  static let texts: [(goal: Goal, unit: Unit, text: String)] = [
    (.atLeast(5e6), .perSecond, "at least 5.00 million/s"),
    (.atLeast(7e6, stretch: 10e6), .perSecond, "at least 7.00 million/s; better 10.0 million/s"),
    (.atMost(10_000), .microseconds, "at most 10.0 ms"),
    (.atMost(340, origin: "the probe + 60 µs"), .microseconds, "at most 340 µs (the probe + 60 µs)"),
    (.none, .perSecond, ""),
  ]

  @Test(arguments: texts.indices)
  func saysWhatIsWanted(_ index: Int) {
    let (goal, unit, text) = Self.texts[index]
    #expect(goal.text(in: unit) == text)
  }

  @Test func aFigureSaysByHowMuchItMisses() {
    let missed = Figure("a", "b", 4e6, .perSecond, .atLeast(5e6), rounds: [3e6, 4e6, 5e6], remark: "p50 1 ms")
    #expect(missed.verdict == .missed && missed.remark == "20.0 % below the goal; p50 1 ms")
    #expect(missed.measured == "4.00 million/s" && missed.range == "3.00 million/s to 5.00 million/s")
    let above = Figure("a", "b", 20_000, .microseconds, .atMost(10_000), rounds: [20_000])
    #expect(above.remark == "100 % above the goal" && above.range.isEmpty)
    let none = Figure(unavailable: "a", "b", .times, .atLeast(2), because: "why")
    #expect(none.measured == "not measured" && none.verdict == .unavailable && none.remark == "why")
  }

  /// A call that is faster than the write in it was not measured, whatever the goal.
  @Test(arguments: [(60.0, Verdict.reached), (61, .missed), (0, .reached), (-1, .unavailable), (-1_880, .unavailable)])
  func aCallIsNoFasterThanItsWrite(_ beyond: Double, _ verdict: Verdict) throws {
    let rate = Session.Rate(rounds: [try LoadFigures(json: ParsingTests.load())], command: "c")
    let figure = Figure.oneAtATime(beyond: [beyond], writes: [90], rate: rate)
    #expect(figure.verdict == verdict && figure.remark.contains("beside a write of 90.0 µs"))
    #expect((figure.value == nil) == (verdict == .unavailable))
  }

  static func list(_ verdicts: [(String, Double)]) -> FigureList {
    FigureList(
      date: "2026-01-02", machine: "M", plan: "P",
      figures: verdicts.map { Figure($0.0, "what \($0.0)", $0.1, .perSecond, .atLeast(10, stretch: 20)) })
  }

  static let summaries: [(values: [(String, Double)], text: String)] = [
    ([("a", 10), ("b", 25)], "2 of 2 goals reached"),
    ([("a", 10), ("b", 9), ("c", 1)], "1 of 3 goals reached, missed: b, c"), ([], "0 of 0 goals reached"),
  ]

  @Test(arguments: summaries.indices)
  func theOverallLineCounts(_ index: Int) {
    #expect(Self.list(Self.summaries[index].values).summary == Self.summaries[index].text)
  }

  @Test func whatWasNotMeasuredIsNeitherReachedNorMissed() {
    var list = Self.list([("a", 10)])
    list.figures.append(Figure(unavailable: "b", "b", .times, .atLeast(2), because: "why"))
    list.figures.append(Figure("c", "c", 1, .times, .none))
    #expect(list.summary == "1 of 1 goals reached; 1 not measured")
  }
}
