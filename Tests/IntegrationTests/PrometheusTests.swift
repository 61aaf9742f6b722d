import Foundation
import Glibc
import Testing

/// The real server scraped by a real Prometheus with our rules.
@Suite struct PrometheusTests {
  static let program = URL(filePath: "/usr/bin/prometheus")
  static let rules = Programs.root.appending(path: "Sources/mana-server/Operations/mana-alerts.yml")

  /// A Prometheus that scrapes one server every second.
  final class Prometheus {
    struct Ended: Error { let log: String }

    private let process = Process()
    private let log: URL
    let port: UInt16

    init(_ data: TemporaryDirectory, scraping metrics: String) throws {
      port = try unusedPort()
      let configuration = data.url.appending(path: "prometheus.yml")
      let text = """
        global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
        rule_files: ["\(PrometheusTests.rules.path())"]
        scrape_configs:
          - job_name: mana
            static_configs: [{targets: ["\(metrics)"]}]
        """
      try Data(text.utf8).write(to: configuration)
      log = data.url.appending(path: "prometheus.log")
      try Data().write(to: log)
      let output = try FileHandle(forWritingTo: log)
      defer { try? output.close() }  // It was only handed on.
      process.executableURL = PrometheusTests.program
      process.arguments = [
        "--config.file", configuration.path(), "--storage.tsdb.path", data.url.appending(path: "tsdb").path(),
        "--web.listen-address", "127.0.0.1:\(port)",
      ]
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = output
      process.standardError = output
      try process.run()
    }

    deinit {
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
    }

    var said: String { get throws { try String(contentsOf: log, encoding: .utf8) } }

    /// What it answers over HTTP; nil while it does not listen, or says that it is not ready.
    func get(_ path: String) throws -> String? {
      if !process.isRunning { throw Ended(log: try said) }
      guard let socket = try? RawConnection(port: port) else { return nil }
      // In HTTP/1.0 the body is what comes until the end.
      try socket.send(Array("GET \(path) HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8))
      let text = String(decoding: socket.receiveToEnd(), as: UTF8.self)
      guard text.split(separator: " ").dropFirst().first == "200" else { return nil }
      return text.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
    }

    /// The `data` of an answer of its API.
    func ask(_ path: String) throws -> [String: Any]? {
      guard let text = try get("/api/v1/" + path) else { return nil }
      let answer = try object(text)
      try #require(answer["status"] as? String == "success", "\(text)")
      return answer["data"] as? [String: Any]
    }

    /// The values of an expression now, by what one of its labels says.
    func values(_ expression: String, by label: String) throws -> [String: Double] {
      let query = try #require(expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
      let rows = try ask("query?query=" + query)?["result"] as? [[String: Any]] ?? []
      return Dictionary(
        rows.map { row in
          let name = (row["metric"] as? [String: String])?[label] ?? ""
          return (name, ((row["value"] as? [Any])?.last as? String).flatMap(Double.init) ?? .nan)
        }
      ) { first, _ in first }
    }
  }

  @Test(
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: program.path()),
      "prometheus is not installed: apt install prometheus, or make check-operations"))
  func aRealPrometheusScrapesWithoutAnError() async throws {
    let data = try TemporaryDirectory()
    let (server, metrics) = try MetricsTests.start(data)
    for account in 1...4 {
      let outcome = try await Programs.mana(["purchase", "\(account)", "100"], server: server)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let prometheus = try Prometheus(data, scraping: metrics)
    try await eventually { try prometheus.get("/-/ready") != nil }
    // Rates need two scrapes.
    try await eventually { try prometheus.values("count_over_time(up[1m])", by: "job")["mana"] ?? 0 >= 3 }

    let target = try #require((try prometheus.ask("targets")?["activeTargets"] as? [[String: Any]])?.first)
    #expect(target["health"] as? String == "up" && target["lastError"] as? String == "", "\(target)")
    #expect(try prometheus.values("min_over_time(up[1m])", by: "job") == ["mana": 1])
    #expect(try prometheus.values("sum by (job) (mana_transactions_posted_total)", by: "job") == ["mana": 4])
    #expect(try prometheus.values("mana_ready", by: "job") == ["mana": 1])
    #expect(try prometheus.values("mana_accounts", by: "shard").values.reduce(0, +) == 4)
    let quantile = "histogram_quantile(0.99, sum by (job, le) (mana_flush_duration_seconds_bucket))"
    #expect(try (prometheus.values(quantile, by: "job")["mana"] ?? 0) > 0)
    // Every sample of a scrape is kept: none is a duplicate, out of order, or more than it takes.
    let scraped = try prometheus.values("scrape_samples_scraped", by: "job")["mana"] ?? 0
    #expect(scraped > 100)
    #expect(try prometheus.values("scrape_samples_post_metric_relabeling", by: "job") == ["mana": scraped])
    let own = try #require(try prometheus.get("/metrics"))
    let troubles = own.matches(of: /(?m)^(prometheus_target_scrapes_[a-z_]+_total) ([0-9.e+]+)$/)
    #expect(troubles.count >= 4)
    for trouble in troubles { #expect(trouble.2 == "0", "\(trouble.0)") }
    let said = try prometheus.said
    #expect(!said.contains("level=warn component=\"scrape manager\"") && !said.contains("level=error"), "\(said)")

    let groups = try prometheus.ask("rules")?["groups"] as? [[String: Any]] ?? []
    let rules = groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
    #expect(rules.count >= 5)
    for rule in rules {
      #expect(rule["health"] as? String == "ok", "\(rule)")
      #expect(rule["state"] as? String == "inactive", "\(rule)")
    }
    #expect(server.terminate() == 0)
    try await eventually { try prometheus.values("up", by: "job") == ["mana": 0] }
  }

  @Test(
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: MetricsTests.promtool.path()),
      "promtool is not installed: apt install prometheus, or make check-operations"))
  func promtoolAcceptsTheRules() async throws {
    let outcome = try await Programs.run(MetricsTests.promtool, ["check", "rules", Self.rules.path()])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }
}

/// A port of 127.0.0.1 on which nobody listens just now.
private func unusedPort() throws -> UInt16 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let status = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
      bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
    }
  }
  try #require(status)
  return UInt16(bigEndian: address.sin_port)
}
