import ArgumentParser
@testable import ManaClient
import ManaProtocol
import Testing

@testable import mana

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite("Usage by operation and by day")
struct UsageTests {
  /// A transaction of a history, of which only a few fields are summed.
  static func transaction(
    _ operation: ManaProtocol.Operation, _ amount: String, at time: String = "2026-01-15T10:30:00Z", quantity: Int = 0
  ) -> Transaction {
    Transaction(
      id: 7, account: 42, type: operation.type, operation: operation, amount: Mana(amount)!, balanceAfter: 0,
      timestamp: Timestamp(time)!, sequence: 1, quantity: quantity, related: nil, refunded: 0, settlement: .none,
      settlementTimeout: nil, reference: "", note: "")
  }

  static func usage(_ grouping: UsageGrouping, _ transactions: [Transaction]) -> Usage {
    var usage = Usage(by: grouping)
    for transaction in transactions { usage.add(transaction) }
    return usage
  }

  static let mixed = [
    transaction(.export, "5", quantity: 500), transaction(.bonus, "0.5"), transaction(.refund, "1.5", quantity: 9),
    transaction(.combination, "10", quantity: 1000), transaction(.imageGeneration, "1.5"),
    transaction(.imageGeneration, "1.500001"), transaction(.purchase, "500", quantity: 3),
  ]

  /// Table: what is summed, width of the terminal, the lines.
  @Test(arguments: [
    (
      mixed, 110,
      [
        "operation             spent  refunded  purchased  bonus  transactions  quantity",
        "image_generation   3.000001                                         2            ████████▊",
        "combination            10.0                                         1     1,000  █████████████████████████████",
        "export                  5.0                                         1       500  ██████████████▌",
        "purchase                                   500.0                    1",
        "refund                            1.5                               1",
        "bonus                                               0.5             1",
        "total             18.000001       1.5      500.0    0.5             7     1,500",
      ]
    ),
    (
      [transaction(.detection, "1"), transaction(.variation, "2")], 80,
      [
        "operation  spent  transactions",
        "detection    1.0             1  ████████████████████",
        "variation    2.0             1  ████████████████████████████████████████",
        "total        3.0             2",
      ]
    ),
    // There is no room for a bar that says anything.
    (
      [transaction(.detection, "1")], 34,
      ["operation  spent  transactions", "detection    1.0             1", "total        1.0             1"]
    ),
    (
      [transaction(.bonus, "1")], 80,
      [
        "operation  spent  bonus  transactions", "bonus               1.0             1",
        "total               1.0             1",
      ]
    ),
    ([], 80, ["no transactions"]),
  ])
  func tables(transactions: [Transaction], width: Int, expected: [String]) {
    let table = UsageTable(hasColour: false, width: width)
    #expect(table.lines(Self.usage(.operation, transactions)) == expected)
  }

  @Test func coloursAddNothingElse() {
    let usage = Self.usage(.operation, Self.mixed)
    let plain = UsageTable(hasColour: false, width: 100).lines(usage)
    let coloured = UsageTable(hasColour: true, width: 100).lines(usage)
    #expect(coloured[1].hasPrefix("\u{1B}[31mimage_generation\u{1B}[0m "))
    #expect(coloured[4].hasPrefix("\u{1B}[32mpurchase\u{1B}[0m "))
    #expect(coloured[5].hasPrefix("\u{1B}[34mrefund\u{1B}[0m "))
    #expect(coloured[6].hasPrefix("\u{1B}[33mbonus\u{1B}[0m "))
    let stripped = coloured.map { line in
      ["31", "32", "33", "34", "0"].reduce(line) { $0.split(separator: "\u{1B}[\($1)m").joined() }
    }
    #expect(stripped == plain)
  }

  @Test(
    arguments: [
      (8, 8, 4, "████"), (4, 8, 4, "██"), (1, 8, 4, "▌"), (1, 1_000_000, 4, "▏"), (7, 8, 1, "▉"), (0, 8, 4, ""),
      (3, 32, 4, "▍"), (Int64.max - 1, .max, 2, "██"), (.max / 2, .max, 2, "█"), (0, 0, 4, ""),
    ] as [(Int64, Int64, Int, String)])
  func bars(part: Int64, most: Int64, width: Int, expected: String) {
    #expect(UsageTable.bar(Mana(micromana: part), of: Mana(micromana: most), width: width) == expected)
  }

  @Test func asJSON() throws {
    let line = "usage 42 --by operation --since 2026-01-15T10:00:00Z --until 2026-01-16T00:00:00+01:00"
    let command = try Self.parse(line)
    var filter = try command.filter
    #expect(filter == HistoryFilter(from: Timestamp("2026-01-15T10:00:00Z"), until: Timestamp("2026-01-15T23:00:00Z")))
    var text = command.json(Self.usage(.operation, Self.mixed), filter).description
    let zone = TimeZoneName.current.map { #""timeZone":"\#($0)","# } ?? ""
    #expect(
      text == #"{"account":"42","by":"operation","since":"2026-01-15T10:00:00Z","until":"2026-01-15T23:00:00Z","#
        + zone + #""groups":["#
        + #"{"operation":"image_generation","spent":"3.000001","transactions":2},"#
        + #"{"operation":"combination","spent":"10.0","transactions":1,"quantity":1000},"#
        + #"{"operation":"export","spent":"5.0","transactions":1,"quantity":500},"#
        + #"{"operation":"purchase","spent":"0.0","transactions":1,"purchased":"500.0"},"#
        + #"{"operation":"refund","spent":"0.0","transactions":1,"refunded":"1.5"},"#
        + #"{"operation":"bonus","spent":"0.0","transactions":1,"bonus":"0.5"}],"#
        + #""total":{"spent":"18.000001","transactions":7,"quantity":1500,"refunded":"1.5","purchased":"500.0","#
        + #""bonus":"0.5"}}"#)
    filter = .all
    text = command.json(Usage(by: .operation), filter).description
    #expect(
      text == #"{"account":"42","by":"operation",\#(zone)"groups":[],"total":{"spent":"0.0","transactions":0}}"#)
  }

  @Test(arguments: [
    "usage", "usage 42", "usage 42 --by week", "usage 42 --by day --since 1d --until 2d",
    "usage 42 --by day --since yesterday", "usage 42 --by day --until 2026-02-30",
    "usage 42 --by day --time-zone Mars/Olympus", "usage 42 --by day --time-zone Europe",
    "usage 42 --by day --time-zone ../../etc/passwd", "usage 42 --by day --time-zone /etc/passwd",
    "usage 42 --by day --time-zone CET-1CEST", "usage 42 --by day --time-zone tzdata.zi",
    "usage 42 --by day --time-zone=",
  ])
  func wrongUsageEndsWith64(line: String) {
    let error = #expect(throws: (any Error).self) { try Self.parse(line) }
    #expect(error.map(ManaCommand.exitCode) == .validationFailure)
  }

  static func parse(_ line: String) throws -> UsageCommand {
    let command = try ManaCommand.parseAsRoot(line.split(separator: " ").map(String.init))
    return try #require(command as? UsageCommand)
  }
}
