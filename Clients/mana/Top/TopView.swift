import ManaClient
import ManaProtocol
import ManaText

/// The live view as lines, and as a line of JSON.
struct TopView {
  let address: String
  let server: String
  let sample: TopSample
  var hasColour = false

  /// A column: its heading, its width, and what stands in it.
  private struct Column: Sendable {
    let heading: String
    let width: Int
    let text: @Sendable (TopFigures) -> String
  }

  private static let columns: [Column] = [
    Column(heading: "posted/s", width: 10) { grouped($0.rate(\.posted)) },
    Column(heading: "posts/s", width: 9) { grouped($0.rate(\.postingRequests)) },
    Column(heading: "reads/s", width: 9) { grouped($0.rate(\.readingRequests)) },
    Column(heading: "refused/s", width: 10) { grouped($0.rate(\.itemsRefused) + $0.rate(\.requestsRefused)) },
    Column(heading: "p50", width: 8) { time($0.grown.requestHistogram, 0.5) },
    Column(heading: "p99", width: 8) { time($0.grown.requestHistogram, 0.99) },
    Column(heading: "flush/s", width: 8) { grouped($0.rate(\.blocksWritten)) },
    Column(heading: "p50", width: 8) { time($0.grown.flushHistogram, 0.5) },
    Column(heading: "p99", width: 8) { time($0.grown.flushHistogram, 0.99) },
    Column(heading: "MB/s", width: 7) { NumberText.fixed($0.rate(\.bytesWritten) / 1e6, places: 1) },
    Column(heading: "conns", width: 7) { String($0.now.connections) },
    Column(heading: "hold", width: 6) { String($0.now.connectionsHolding + $0.now.partsHeld) },
    Column(heading: "wait", width: 6) { String($0.now.partsWaiting) },
    Column(heading: "journal", width: 11) { megabytes($0.now.journalPosition) },
  ]

  /// The lines for a screen of `height` lines; shards that do not fit are counted in the last.
  func lines(height: Int, notice: String? = nil) -> [String] {
    let total = sample.total.now
    let uptime = durationText(.nanoseconds(Int64(clamping: sample.uptimeNanoseconds)))
    var lines = [
      styled("mana top", "1") + "  \(address)  \(server)  up \(uptime)",
      "\(NumberText.grouped(total.accounts)) accounts  \(NumberText.grouped(total.transactions)) transactions  "
        + "\(NumberText.grouped(total.connections)) connections  \(Self.megabytes(total.residentBytes)) in memory",
      notice.map { styled($0, "31") } ?? "",
      styled(row("shard") { $0.heading }, "7"),
      row("all") { $0.text(sample.total) },
    ]
    let room = max(0, height - lines.count)
    let shown = sample.shards.count <= room ? sample.shards.count : max(0, room - 1)
    for (index, shard) in sample.shards.prefix(shown).enumerated() {
      lines.append(row(String(index)) { $0.text(shard) })
    }
    if shown < sample.shards.count { lines.append("and \(sample.shards.count - shown) more shards") }
    return lines
  }

  /// One object: the server's figures, then each shard's.
  var json: JSONValue {
    .members([
      "address": .string(address), "uptimeSeconds": .integer(sample.uptimeNanoseconds / 1_000_000_000),
      "intervalMilliseconds": .integer(sample.total.nanoseconds / 1_000_000), "all": Self.json(sample.total),
      "shards": .array(sample.shards.map(Self.json)),
    ])
  }

  private static func json(_ figures: TopFigures) -> JSONValue {
    .members([
      "postedPerSecond": rate(figures, \.posted), "postsPerSecond": rate(figures, \.postingRequests),
      "readsPerSecond": rate(figures, \.readingRequests), "itemsRefusedPerSecond": rate(figures, \.itemsRefused),
      "requestsRefusedPerSecond": rate(figures, \.requestsRefused), "flushesPerSecond": rate(figures, \.blocksWritten),
      "journalBytesPerSecond": rate(figures, \.bytesWritten),
      "requestNanosecondsP50": .integer(figures.grown.requestHistogram.bound(0.5)),
      "requestNanosecondsP99": .integer(figures.grown.requestHistogram.bound(0.99)),
      "flushNanosecondsP50": .integer(figures.grown.flushHistogram.bound(0.5)),
      "flushNanosecondsP99": .integer(figures.grown.flushHistogram.bound(0.99)),
    ]).adding(["now": figures.now.json])
  }

  private static func rate(_ figures: TopFigures, _ counter: KeyPath<ShardStatus, UInt64>) -> JSONValue {
    .integer(UInt64(figures.rate(counter).rounded()))
  }

  private func row(_ name: String, _ text: (Column) -> String) -> String {
    Self.columns.reduce(Self.padded(name, to: 6, left: true)) { $0 + Self.padded(text($1), to: $1.width, left: false) }
  }

  private func styled(_ text: String, _ code: String) -> String {
    hasColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private static func padded(_ text: String, to width: Int, left: Bool) -> String {
    let space = String(repeating: " ", count: max(width - text.count, left ? 0 : 1))
    return left ? text + space : space + text
  }

  private static func grouped(_ rate: Double) -> String { NumberText.grouped(rate) }

  private static func megabytes(_ bytes: UInt64) -> String { "\(NumberText.grouped(bytes / 1_000_000)) MB" }

  /// A percentile in the largest unit that leaves it at least 1; a dash where nothing was timed.
  static func time(_ histogram: LatencyHistogram, _ fraction: Double) -> String {
    let nanoseconds = histogram.bound(fraction)
    guard nanoseconds > 0 else { return "-" }
    let units: [(name: String, nanoseconds: Double)] = [("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)]
    let unit = units.first { Double(nanoseconds) >= $0.nanoseconds }!
    let value = Double(nanoseconds) / unit.nanoseconds
    return NumberText.fixed(value, places: value < 10 && unit.nanoseconds > 1 ? 1 : 0) + unit.name
  }
}

extension ShardStatus {
  /// Every number under the specification's name.
  var json: JSONValue {
    .object(
      Self.fields.map { .init(key: $0.name, value: .integer(self[keyPath: $0.path])) }
        + [.init(key: "checkpointBlock", value: .integer(checkpointBlock))])
  }
}
