import ArgumentParser
import Testing

@testable import mana_bench

@Suite struct OutputTests {
  static let table = Table(
    columns: [("system", .left), ("rate", .right)], rows: [["Mana", "7.80 million"], ["a|b", "1"]])

  @Test func tables() {
    #expect(Self.table.plain == "system          rate\nMana    7.80 million\na|b                1")
    #expect(
      Self.table.markdown == "| system | rate |\n|---|---:|\n| Mana | 7.80 million |\n| a\\|b | 1 |")
  }

  @Test func aComparisonHasRatios() throws {
    func row(_ system: String, _ rate: Double?, as way: Comparison.Way? = nil) -> Comparison.Row {
      Comparison.Row(
        system: system, work: "w", figures: rate.map { PeerFigures(perSecond: $0, p50: 100, p99: 2_000) },
        remark: rate == nil ? "not installed" : "", way: way)
    }
    let comparison = Comparison(
      date: "2026-01-02", machine: "M", plan: "P",
      ours: [row("Mana", 6e6, as: .batches), row("Mana", 1), row("Mana", 6e5, as: .singleCalls)],
      peers: [row("Redis", 6e4), row("PostgreSQL", nil)])
    #expect(comparison.rows[3].batchesAgainst == 100 && comparison.rows[3].singleCallsAgainst == 10)
    #expect(comparison.rows[3].clientAgainst == nil)
    #expect(comparison.rows[0].batchesAgainst == nil && comparison.rows[4].batchesAgainst == nil)
    let markdown = try comparison.text(json: false, markdown: true)
    #expect(markdown.contains("| Redis | w | 60,000 | 100 µs | 2.00 ms | 100 × | 10.0 × |  |"))
    #expect(markdown.contains("| PostgreSQL | w | not installed |  |  |  |  |  |"))
    #expect(markdown.hasPrefix("Measured on 2026-01-02: M; P.\n"))
    let json = try comparison.text(json: true, markdown: false)
    #expect(json.contains(#""batchesAgainst":100"#) && !json.contains("\n"))
  }

  @Test func figuresAsTextJSONAndMarkdown() throws {
    let list = GoalTests.list([("a", 10), ("b", 9)])
    let lines = FigureText.lines(list.figures, colour: false)
    #expect(lines.contains("a: what a\n  measured  10.0/s  reached\n  goal      at least 10.0/s; better 20.0/s"))
    #expect(!lines.contains("\u{1B}") && FigureText.lines(list.figures, colour: true).contains("\u{1B}[31mmissed"))
    #expect(try FigureText.whole(list, json: false, markdown: false).contains("1 of 2 goals reached, missed: b"))
    let markdown = try FigureText.whole(list, json: false, markdown: true)
    #expect(markdown.contains("| what b | at least 10.0/s; better 20.0/s | 9.00/s; 10.0 % below the goal | missed |"))
    #expect(markdown.hasSuffix("1 of 2 goals reached, missed: b."))
    let json = try FigureText.whole(list, json: true, markdown: false)
    #expect(json.contains(#""verdict":"missed""#) && json.contains(#""summary":"1 of 2 goals reached, missed: b""#))
  }
}

@Suite struct DocumentTests {
  static let cases: [(text: String, changed: String?)] = [
    (
      "a\n<!-- measured: figures -->\nold\n\n<!-- end -->\nb\n",
      "a\n<!-- measured: figures -->\nx\ny\n<!-- end -->\nb\n"
    ),
    (
      "<!-- measured: compare -->\nkept\n<!-- end -->\n<!-- measured: figures -->\n<!-- end -->",
      "<!-- measured: compare -->\nkept\n<!-- end -->\n<!-- measured: figures -->\nx\ny\n<!-- end -->"
    ),
    ("no place", nil), ("<!-- measured: figures -->\nno end", nil),
    ("<!-- end -->\n<!-- measured: figures -->", nil),
  ]

  @Test(arguments: cases.indices)
  func onlyThePlaceChanges(_ index: Int) {
    let (text, changed) = Self.cases[index]
    #expect(Document.placing("x\ny", at: "figures", in: text) == changed)
  }

  @Test func aFileIsReplaced() throws {
    let root = try System.makeTemporaryDirectory(below: "/tmp")
    defer { System.removeTree(root) }
    let file = root + "/README.md"
    #expect(throws: BenchError.self) { try Document.place("x", at: "figures", inFile: file) }
    try System.writeFile(file, "<!-- measured: figures -->\n<!-- end -->\n")
    try Document.place("x", at: "figures", inFile: file)
    #expect(System.text(of: file) == "<!-- measured: figures -->\nx\n<!-- end -->\n")
    #expect(throws: BenchError.self) { try Document.place("x", at: "compare", inFile: file) }
    #expect(System.names(in: root) == ["README.md"])
  }
}

@Suite struct ArgumentTests {
  static let refused: [(arguments: [String], named: String)] = [
    (["figures", "--only", "x"], "only"), (["figures", "--seconds", "0"], "--seconds"),
    (["figures", "--rounds", "0"], "--rounds"), (["compare", "--json", "--markdown"], "--json"),
    (["compare", "--strict"], "--strict"),
  ]

  @Test(arguments: refused)
  func wrongUsageIsStatus64(_ arguments: [String], _ named: String) {
    do {
      _ = try BenchCommand.parseAsRoot(arguments)
      Issue.record("\(arguments) were accepted")
    } catch {
      #expect(BenchCommand.exitCode(for: error).rawValue == 64)
      #expect(BenchCommand.message(for: error).contains(named))
    }
  }

  @Test func quickIsShorterAndWhatIsSaidCounts() throws {
    var longer = Plan.quick
    (longer.seconds, longer.rounds) = (3, 5)
    let cases: [(arguments: [String], plan: Plan)] = [
      ([], .standard), (["--quick"], .quick), (["--quick", "--seconds", "3", "--rounds", "5"], longer),
    ]
    for (arguments, plan) in cases { #expect(try BenchOptions.parse(arguments).plan == plan) }
  }
}

@Suite struct ProcessTests {
  /// The files that hold blocks end where the last byte is that is not zero; files ready for use hold nothing.
  @Test func journalFilesAreMeasuredToTheirLastByte() throws {
    let root = try System.makeTemporaryDirectory(below: "/tmp")
    defer { System.removeTree(root) }
    try System.makeDirectory(root + "/shard-000")
    let zeros = String(repeating: "\0", count: 100)
    for (name, text) in [("0", "ab" + zeros), ("1", "abc" + zeros), ("2", zeros), ("3", zeros)] {
      try System.writeFile("\(root)/shard-000/\(name).segment", text)
    }
    try System.writeFile(root + "/shard-000/other", "xyz")
    let files = JournalFiles(root)
    #expect(files.usedBytes == 102 + 3 && files.fileBytes == 405)
  }

  @Test func aWorkbenchLeavesNothingBehind() throws {
    let workbench = try Workbench(below: "/tmp")
    let sleeper = try workbench.start("sleep", at: "/bin/sleep", ["1000"])
    let stubborn = try workbench.start("sh", at: "/bin/sh", ["-c", "echo ready; sleep 1000"])
    try stubborn.wait(for: "it was ready", atMostSeconds: 30) { stubborn.output == "ready\n" }
    #expect(try workbench.run("sh", at: "/bin/sh", ["-c", "echo $0 $1", "x y"]) == "x y\n")
    #expect(System.names(in: workbench.directory).count == 6)
    stubborn.kill()
    workbench.clear()
    #expect(sleeper.status == 128 + 15 && stubborn.status == 128 + 9)
    #expect(System.names(in: workbench.directory).isEmpty && System.fileBytes(workbench.directory) == 0)
  }

  @Test func failuresQuoteTheProgram() throws {
    let workbench = try Workbench(below: "/tmp")
    defer { workbench.clear() }
    do throws(BenchError) {
      try workbench.run("sh", at: "/bin/sh", ["-c", "echo out; echo wrong >&2; exit 3"])
      Issue.record("a failure went unnoticed")
    } catch {
      #expect(error == .failed(what: "sh ended with status 3", output: "wrong\n"))
    }
    #expect(throws: BenchError.self) { try workbench.run("none", at: "/nonexistent/none", []) }
    #expect(throws: BenchError.self) { try workbench.run("sleep", at: "/bin/sleep", ["100"], atMostSeconds: 0.05) }
  }
}
