import Testing

@testable import mana_bench

/// What the torture reads of other programs, and what it says.
@Suite struct TortureTests {
  @Test func faultsAreCountedThatHappened() {
    let trace = """
      101 fdatasync(11)                     = 0
      101 fdatasync(11)                     = -1 EIO (Input/output error) (INJECTED)
      102 fdatasync(12)                     = 0 (DELAYED)
      102 fdatasync(12)                     = -1 EIO (Input/output error)
      101 +++ exited with 74 +++
      """
    #expect(SystemCallFault.count(inTrace: trace) == 2)
    #expect(SystemCallFault.count(inTrace: "") == 0)
  }

  @Test func aLastingFaultGoesOn() {
    let once = SystemCallFault(name: "", call: "pwrite64", effect: "error=EIO")
    #expect(once.arguments(number: 3, trace: "t").last == "inject=pwrite64:error=EIO:when=3")
    let lasting = SystemCallFault(name: "", call: "pwrite64", effect: "error=ENOSPC", isLasting: true)
    #expect(lasting.arguments(number: 3, trace: "t").last == "inject=pwrite64:error=ENOSPC:when=3+")
  }

  @Test func faultsHaveNamesOfTheirOwn() {
    #expect(Set(SystemCallFault.all.map(\.name)).count == SystemCallFault.all.count)
  }

  @Test func aVerifiedLoadIsAddedUp() throws {
    let load = try VerifiedLoad(
      json: """
        {"accepted":70,"reconnections":3,"other":{},
         "verification":{"passed":true,"accounts":5,"mismatches":0,"unknownApplied":4,"unknownNotApplied":6}}
        """)
    var totals = TortureTotals()
    totals.add(load)
    totals.add(load)
    #expect(totals.rounds == 2 && totals.acknowledged == 140 && totals.reconnections == 6)
    #expect(totals.unknownApplied == 8 && totals.unknownNotApplied == 12 && totals.accountsCompared == 10)
  }

  @Test(arguments: ["", "{}", #"{"accepted":70,"reconnections":3}"#])
  func aLoadWithoutAVerificationIsNoResult(json: String) {
    #expect(throws: BenchError.self) { try VerifiedLoad(json: json) }
  }

  @Test func aSeedDecides() {
    var (one, same, other) = (SeededGenerator(seed: 7), SeededGenerator(seed: 7), SeededGenerator(seed: 8))
    let first = (0..<4).map { _ in one.next() }
    #expect(first == (0..<4).map { _ in same.next() })
    #expect(first != (0..<4).map { _ in other.next() })
  }

  @Test func totalsNameTheSeedAndTheFaultsThatWereTried() throws {
    var totals = TortureTotals(seeds: [42])
    totals.kills = 9
    totals.powerCuts = 3
    totals.faults = ["a sync fails": .init(servers: 2, happened: 1, ended: 1)]
    let text = totals.text
    #expect(text.contains("seed 42:") && text.contains("9 kills") && text.contains("3 power cuts"))
    #expect(text.contains("a sync fails: 2 servers, happened 1 times, ended 1 of them with status 74"))
    #expect(!text.contains("the disk is full"))
    #expect(try TortureTotals(json: totals.json) == totals)
  }

  /// Every number of every lane, by adding one whose numbers are all different.
  @Test func lanesAreAddedUp() throws {
    let lane = try TortureTotals(
      json: """
        {"seeds":[5],"kills":1,"killsBeforeReady":2,"powerCuts":3,"powerCutsBeforeReady":4,"rounds":5,
         "roundsWithoutVerdict":6,"acknowledged":7,"accountsCompared":8,"unknownApplied":9,"unknownNotApplied":10,
         "reconnections":11,"faults":{"a write fails":{"servers":12,"happened":13,"ended":14}}}
        """)
    var totals = TortureTotals()
    totals.add(lane)
    #expect(totals == lane)
    totals.add(lane)
    #expect(
      totals.json == """
        {"accountsCompared":16,"acknowledged":14,"faults":{"a write fails":{"ended":28,"happened":26,"servers":24}},\
        "kills":2,"killsBeforeReady":4,"powerCuts":6,"powerCutsBeforeReady":8,"reconnections":22,"rounds":10,\
        "roundsWithoutVerdict":12,"seeds":[5,5],"unknownApplied":18,"unknownNotApplied":20}
        """)
  }

  @Test(arguments: ["", "{}", #"{"kills":3}"#])
  func aLaneWithoutTotalsIsNone(json: String) {
    #expect(throws: BenchError.self) { try TortureTotals(json: json) }
  }

  @Test(
    arguments: [
      // Kills and cuts asked for, lanes: what each lane is told.
      (200, 100, 4, ["--kills", "50", "--cuts", "25"]), (10, nil, 3, ["--kills", "4"]), (nil, 1, 2, ["--cuts", "1"]),
      (nil, nil, 2, []),
    ] as [(Int?, Int?, Int, [String])])
  func lanesShareTheCounts(kills: Int?, cuts: Int?, lanes: Int, arguments: [String]) {
    let goal = TortureGoal(seconds: 60, kills: kills, cuts: cuts)
    #expect(goal.arguments(ofOneOf: lanes) == ["--minutes", "1.0"] + arguments)
  }

  @Test(
    arguments: [
      // Kills and cuts asked for, kills and cuts so far, number of the ledger: is it enough, and is this one on the disk?
      (200, 100, 0, 0, 1, false, false), (200, 100, 0, 0, 2, false, true),
      (200, 100, 200, 60, 1, false, true), (200, 100, 90, 100, 2, false, false),
      (200, 100, 200, 100, 1, true, false), (200, nil, 190, 5, 2, false, false), (nil, 100, 7, 99, 1, false, true),
      (nil, nil, 900, 900, 2, false, true), (0, 0, 0, 0, 1, true, false),
    ] as [(Int?, Int?, Int, Int, Int, Bool, Bool)])
  func countsDecideWhatComesNext(
    kills: Int?, cuts: Int?, killed: Int, cut: Int, ledger: Int, isReached: Bool, takesDisk: Bool
  ) {
    var totals = TortureTotals()
    totals.kills = killed
    totals.powerCuts = cut
    let goal = TortureGoal(seconds: 60, kills: kills, cuts: cuts)
    #expect(goal.isReached(totals) == isReached)
    #expect(goal.takesDisk(ledger, totals) == takesDisk)
  }

  @Test func aCountThatWasNotReachedIsNamed() {
    var totals = TortureTotals()
    totals.kills = 12
    totals.powerCuts = 100
    #expect(TortureGoal(seconds: 60, kills: 12, cuts: 100).missing(totals)?.contains("no load") == true)
    totals.rounds = 3
    #expect(TortureGoal(seconds: 60, kills: 12, cuts: 100).missing(totals) == nil)
    #expect(TortureGoal(seconds: 60, kills: nil, cuts: nil).missing(totals) == nil)
    let missing = TortureGoal(seconds: 60, kills: 200, cuts: 100).missing(totals) ?? ""
    #expect(missing.contains("12 of 200 kills") && missing.contains("100 of 100 power cuts"), "\(missing)")
  }
}
