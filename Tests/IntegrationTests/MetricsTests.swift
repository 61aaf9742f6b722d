import Foundation
import Testing

/// `/metrics`, `/healthz` and `/readyz` of the real server, as a scraper sees them.
@Suite struct MetricsTests {
  /// One request over a socket of its own: the status line's number and the body.
  static func get(
    _ path: String, at address: String, accept: String = "*/*"
  ) throws -> (status: Int, head: String, body: String) {
    let socket = try RawConnection(port: UInt16(address.split(separator: ":").last!)!)
    try socket.send(Array("GET \(path) HTTP/1.1\r\nHost: mana\r\nAccept: \(accept)\r\n\r\n".utf8))
    let text = String(decoding: socket.receiveToEnd(), as: UTF8.self)
    let parts = text.components(separatedBy: "\r\n\r\n")
    let words = parts[0].split(separator: " ")
    try #require(words.count > 1, "\(address) answered \(path) with '\(text)'")
    let status = Int(words[1]) ?? 0
    return (status, parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
  }

  /// The samples of a text in the OpenMetrics format: name with labels, and value. Throws where a line is malformed, a
  /// sample stands outside its family, or a histogram's buckets fall.
  static func samples(_ text: String) throws -> [String: Double] {
    var samples: [String: Double] = [:]
    var family = ""
    var type = ""
    var bucket = (series: "", count: 0.0)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.last == "" && lines.dropLast().last == "# EOF")
    for line in lines.dropLast(2) {
      if line.hasPrefix("# HELP ") { continue }
      if line.hasPrefix("# TYPE ") {
        let words = line.split(separator: " ")
        try #require(words.count == 4, "\(line)")
        (family, type) = (String(words[2]), String(words[3]))
        continue
      }
      let match = try #require(line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? ([-+0-9.e]+)/))
      let name = String(match.1)
      let suffixes = ["counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]]
      try #require(suffixes[type, default: []].contains { family + $0 == name }, "\(line) in \(family)")
      let value = try #require(Double(match.4))
      let key = name + String(match.2 ?? "")
      try #require(samples.updateValue(value, forKey: key) == nil, "\(key) twice")
      if name.hasSuffix("_bucket") {
        let series = String(key.prefix { $0 != "," })
        if series == bucket.series { try #require(value >= bucket.count, "\(line)") }
        bucket = (series, value)
      }
    }
    return samples
  }

  static func start(_ data: TemporaryDirectory) throws -> (server: ServerProcess, metrics: String) {
    let server = try ServerProcess(data: data, shards: 2, arguments: ["--metrics", "127.0.0.1:0"])
    return (server, try server.metricsAddress)
  }

  @Test func whatIsPostedIsCounted() async throws {
    let data = try TemporaryDirectory()
    let (server, metrics) = try Self.start(data)
    #expect(try Self.get("/healthz", at: metrics).status == 200)
    #expect(try Self.get("/readyz", at: metrics).status == 200)
    #expect(try Self.get("/nothing", at: metrics).status == 404)
    for account in 1...4 {
      let outcome = try await Programs.mana(["purchase", "\(account)", "100"], server: server)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let (status, head, body) = try Self.get("/metrics", at: metrics, accept: "application/openmetrics-text")
    #expect(status == 200)
    #expect(head.contains("application/openmetrics-text; version=1.0.0"))
    let samples = try Self.samples(body)
    func sum(_ name: String) -> Double { (0...1).reduce(0) { $0 + (samples["\(name){shard=\"\($1)\"}"] ?? .nan) } }
    #expect(sum("mana_transactions_posted_total") == 4)
    #expect(sum("mana_accounts") == 4)
    #expect(sum("mana_batch_items_count") == 4)
    #expect(sum("mana_request_duration_seconds_count") >= 4)
    #expect(sum("mana_flush_duration_seconds_count") >= 1)
    #expect(sum("mana_journal_bytes_total") > 0)
    // Bytes, not the journal's own unit: a record has 96 at least.
    #expect(sum("mana_journal_position_bytes") >= 4 * 96)
    #expect(samples["mana_ready"] == 1)
    #expect(server.terminate() == 0)
  }

  /// What the dashboard and the alert rules ask for is there under that name.
  @Test(arguments: ["mana-dashboard.json", "mana-alerts.yml"])
  func theFilesForOperatorsNameMetricsThatThereAre(file: String) throws {
    let folder = Programs.root.appending(path: "Sources/mana-server/Operations")
    let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    if file.hasSuffix("json") { _ = try JSONSerialization.jsonObject(with: Data(text.utf8)) }
    let names = Set(text.matches(of: /\bmana_[a-z_]+/).map { String($0.output) })
    try #require(names.count > 3)
    let data = try TemporaryDirectory()
    let (server, metrics) = try Self.start(data)
    let families = Set(
      try Self.get("/metrics", at: metrics).body.matches(of: /# TYPE (mana_[a-z_]+)/).map { String($0.1) })
    for name in names {
      let family = name.hasSuffix("_bucket") ? String(name.dropLast("_bucket".count)) : name
      #expect(families.contains(family), "\(name)")
    }
    #expect(server.terminate() == 0)
  }

  static let promtool = URL(filePath: "/usr/bin/promtool")

  @Test(
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: promtool.path()),
      "promtool is not installed: apt install prometheus"))
  func promtoolAcceptsTheOlderFormat() async throws {
    let data = try TemporaryDirectory()
    let (server, metrics) = try Self.start(data)
    let body = try Self.get("/metrics", at: metrics).body
    let outcome = try await Programs.run(Self.promtool, ["check", "metrics"], input: body)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(server.terminate() == 0)
  }

  @Test func strangersAreTurnedAwayAndTheNextIsServed() throws {
    let data = try TemporaryDirectory()
    let (server, metrics) = try Self.start(data)
    let port = try #require(UInt16(metrics.split(separator: ":").last!))
    // As many as there may be, who never finish their request; the one behind them is turned away.
    var idle = try (0..<32).map { _ in try RawConnection(port: port) }
    for socket in idle { try socket.send(Array("GET /metrics".utf8)) }
    let refused = try RawConnection(port: port)
    #expect(refused.receiveToEnd().isEmpty)
    idle.removeAll()
    var served = false
    let deadline = Date(timeIntervalSinceNow: 30)
    while !served, Date() < deadline {
      let socket = try RawConnection(port: port)
      try socket.send(Array("GET /healthz HTTP/1.1\r\n\r\n".utf8))
      served = String(decoding: socket.receiveToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 200 ")
    }
    #expect(served)
    let endless = try RawConnection(port: port)
    try endless.send([UInt8](repeating: UInt8(ascii: "a"), count: 8_192))
    #expect(String(decoding: endless.receiveToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 431 "))
    #expect(server.terminate() == 0)
  }
}
