import ManaText

/// A result as a page of its own: charts, numbers, settings and machine, without a reference to anything outside.
struct Report {
  private let result: LoadResult

  init(_ result: LoadResult) { self.result = result }

  /// The whole file.
  var html: String {
    let title =
      "\(result.settings.scenario.rawValue): \(NumberText.grouped(result.transactionsPerSecond)) transactions/s"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(HTML.escaped(title))</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <h1>\(HTML.escaped(title))</h1>
      <p>\(HTML.escaped(result.outcome)); \(NumberText.grouped(result.requestsPerSecond)) requests/s.</p>
      <table class="figures">
      <tr>\(result.latencies.parts.map { "<th>\($0.name)</th>" }.joined())</tr>
      <tr>\(result.latencies.parts.map { "<td>\(Text.latency($0.nanoseconds))</td>" }.joined())</tr>
      </table>
      \(timeSections)
      <section>
      <h2>Latency of a request by percentile</h2>
      \(percentileChart)
      </section>
      <section>
      <h2>Particulars</h2>
      <table>
      \(particulars.map { "<tr><th>\(HTML.escaped($0.name))</th><td>\(Self.words($0))</td></tr>" }.joined(separator: "\n"))
      </table>
      </section>
      </body>
      </html>

      """
  }

  private var particulars: [(name: String, text: String)] {
    var rows = result.tally.failures.map { (name: $0.name, text: NumberText.grouped($0.count)) }
    if result.reconnections > 0 {
      rows.append(
        ("connections", "made again \(result.reconnections) times, \(result.tally.unknown) requests unanswered"))
    }
    if result.notSent > 0 {
      rows.append(("not sent", "\(NumberText.grouped(result.notSent)) requests were due before the end"))
    }
    if let verification = result.verification {
      rows.append(
        ("verified", "\(NumberText.grouped(verification.accounts)) accounts, \(verification.mismatchCount) mismatches"))
    }
    return rows + result.facts
  }

  /// A command breaks between its words only, so that it can be read and copied.
  private static func words(_ row: (name: String, text: String)) -> String {
    guard row.name == LoadResult.commandName else { return HTML.escaped(row.text) }
    return "<code>"
      + row.text.split(separator: " ").map { "<span>\(HTML.escaped(String($0)))</span>" }
      .joined(separator: " ") + "</code>"
  }

  /// Empty for a run that was over before its first second was.
  private var timeSections: String {
    let samples = Self.thinned(result.samples)
    guard let last = samples.last, samples.count > 1 else { return "" }
    let range = 0...last.seconds
    let step = max(1, ChartAxis.roundStep(last.seconds / 8).rounded(.up))
    let marks = stride(from: 0, through: last.seconds, by: step).map { ($0, "\(Text.plain($0)) s") }
    let rate = Chart(
      marks: marks, xRange: range,
      lines: [.init(name: "rate", style: "rate", points: Self.steps(samples, \.transactionsPerSecond))],
      yLabel: { NumberText.grouped($0) })
    let latency = Chart(
      marks: marks, xRange: range,
      lines: [
        .init(name: "p50", style: "p50", points: Self.steps(samples) { Double($0.p50) }),
        .init(name: "p99", style: "p99", points: Self.steps(samples) { Double($0.p99) }),
      ], scale: .logarithmic, yLabel: { Text.latency(UInt64($0)) })
    return """
      <section>
      <h2>Transactions a second over time</h2>
      \(rate.svg(title: "Transactions a second over time"))
      </section>
      <section>
      <h2>Latency of a request over time</h2>
      \(latency.svg(title: "Latency over time, p50 and p99"))
      </section>
      """
  }

  /// A sample is what was so from the end of the one before it to its own: a line with steps.
  static func steps(_ samples: [Sample], _ value: (Sample) -> Double) -> [(x: Double, y: Double)] {
    var begin = 0.0
    return samples.flatMap { sample in
      defer { begin = sample.seconds }
      return [(begin, value(sample)), (sample.seconds, value(sample))]
    }
  }

  /// The horizontal axis counts nines: p90, p99 and p99.9 are equally far apart.
  private var percentileChart: String {
    let points = result.percentiles.map { (x: Self.position($0.percent), y: Double($0.nanoseconds)) }
    let marks: [Double] = [0, 50, 90, 99, 99.9, 99.99, 100]
    return Chart(
      marks: marks.map { (Self.position($0), $0 == 100 ? "max" : "p\(Text.plain($0))") },
      xRange: 0...Self.position(100), lines: [.init(name: "latency", style: "p99", points: points)],
      scale: .logarithmic, yLabel: { Text.latency(UInt64($0)) }
    ).svg(title: "Latency by percentile")
  }

  /// Number of nines of a percentile, linear between them; the maximum is drawn where 99.999 % would be.
  static func position(_ percent: Double) -> Double {
    var left = 100 - min(percent, 99.999)
    var nines = 0.0
    while left <= 10.000_001 {
      left *= 10
      nines += 1
    }
    return nines + (100 - left) / 90
  }

  /// At most as many points as a chart has room for: neighbours become their mean, and of p99 the largest.
  static func thinned(_ samples: [Sample]) -> [Sample] {
    let group = (samples.count + LoadLimits.chartPoints - 1) / LoadLimits.chartPoints
    guard group > 1 else { return samples }
    return stride(from: 0, to: samples.count, by: group).map { start in
      let part = samples[start..<min(start + group, samples.count)]
      return Sample(
        seconds: part[part.endIndex - 1].seconds,
        transactionsPerSecond: part.reduce(0) { $0 + $1.transactionsPerSecond } / Double(part.count),
        p50: part.reduce(0) { $0 + $1.p50 } / UInt64(part.count), p99: part.map(\.p99).max() ?? 0)
    }
  }

  /// Light or dark as the reader has it; black on white, and smaller, on paper.
  private static let style = """
    :root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --line: #d8dee4; --ground: #ffffff;
      --rate: #1a7f37; --p50: #0969da; --p99: #bc4c00; }
    @media (prefers-color-scheme: dark) {
      :root { --text: #e6edf3; --quiet: #9198a1; --line: #30363d; --ground: #0d1117;
        --rate: #3fb950; --p50: #58a6ff; --p99: #f0883e; }
    }
    body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
      color: var(--text); background: var(--ground); }
    h1 { font-size: 1.5rem; margin-bottom: .25rem; }
    h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
    table { border-collapse: collapse; width: 100%; }
    th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
    td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
    th { font-weight: 600; white-space: nowrap; }
    .figures td { font-size: clamp(.85rem, 2.6vw, 1.15rem); white-space: nowrap; }
    code { font: .9em ui-monospace, monospace; }
    code span { white-space: nowrap; }
    svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: var(--quiet); }
    svg .grid { stroke: var(--line); stroke-width: 1; }
    svg .y { text-anchor: end; }
    svg .x { text-anchor: middle; }
    svg .rate, svg .p50, svg .p99 { fill: none; stroke-width: 2; stroke-linejoin: round; }
    svg .rate { stroke: var(--rate); }
    svg .p50 { stroke: var(--p50); }
    svg .p99 { stroke: var(--p99); }
    @page { margin: 15mm; }
    @media print {
      :root { color-scheme: light; --text: #000000; --quiet: #444444; --line: #bbbbbb; --ground: #ffffff;
        --rate: #1a7f37; --p50: #0969da; --p99: #bc4c00; }
      body { font-size: 12px; margin: 0; padding: 0; max-width: none; }
      h1 { margin-top: 0; }
      h2 { margin: 1.2rem 0 .3rem; }
      section, tr { break-inside: avoid; }
    }
    """
}
