import ManaClient
import ManaProtocol
import ManaText

/// What became of a file's transactions.
struct PostSummary: Equatable, Sendable {
  /// Transactions that were refused with one status.
  struct Refused: Equatable, Sendable {
    var count = 0
    /// The first lines, in order.
    var lines: [Int] = []
    /// What the ledger said about the first of them.
    var message = ""
  }

  /// How many lines are named for each status.
  static let linesMax = 5

  private(set) var posted = 0
  private(set) var replayed = 0
  private(set) var refusedByStatus: [Status: Refused] = [:]

  var refused: Int { refusedByStatus.values.reduce(0) { $0 + $1.count } }
  /// Transactions whose fate is known.
  var answered: Int { posted + replayed + refused }

  /// Counts the answers to a batch. Linear in its refusals.
  mutating func add(_ results: BatchResults, lines: [Int]) {
    posted += results.postedCount
    replayed += results.replayedCount
    guard results.refusedCount > 0 else { return }
    for (result, line) in zip(results, lines) {
      if case .failure(let refusal) = result { add(refusal, line: line) }
    }
  }

  /// Counts a refusal. Batches may be answered in any order.
  mutating func add(_ refusal: Refusal, line: Int) {
    var refused = refusedByStatus[refusal.status] ?? Refused()
    refused.count += 1
    let place = refused.lines.firstIndex { $0 > line } ?? refused.lines.endIndex
    if place == 0 { refused.message = refusal.description }
    refused.lines.insert(line, at: place)
    if refused.lines.count > Self.linesMax { refused.lines.removeLast() }
    refusedByStatus[refusal.status] = refused
  }

  /// Refusals in the order of their first lines.
  var refusals: [(status: Status, refused: Refused)] {
    refusedByStatus.map { ($0.key, $0.value) }.sorted { $0.1.lines[0] < $1.1.lines[0] }
  }

  var json: JSONValue {
    .members([
      "posted": .integer(UInt64(posted)), "replayed": .integer(UInt64(replayed)), "refused": .integer(UInt64(refused)),
      "refusals": .array(
        refusals.map { status, refused in
          .members([
            "status": .string(status.name), "count": .integer(UInt64(refused.count)),
            "firstLines": .array(refused.lines.map { .integer(UInt64($0)) }), "message": .string(refused.message),
          ])
        }),
    ])
  }

  /// For people: how many of each.
  func text(of total: Int, elapsed: Duration) -> String {
    "\(NumberText.grouped(posted)) posted, \(NumberText.grouped(replayed)) replayed, \(NumberText.grouped(refused)) refused of \(NumberText.grouped(total)) "
      + "\(total == 1 ? "transaction" : "transactions") in \(durationText(elapsed))"
  }

  /// For people, a line a status: where to look, and what the ledger said first.
  var refusalTexts: [String] {
    refusals.map { _, refused in
      let lines = refused.lines.map(String.init).joined(separator: ", ")
      let more = refused.count > refused.lines.count ? ", …" : ""
      return "refused \(NumberText.grouped(refused.count)), \(refused.count == 1 ? "line" : "lines") \(lines)\(more): "
        + refused.message
    }
  }
}
