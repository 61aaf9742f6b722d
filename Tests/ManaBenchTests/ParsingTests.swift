import Testing

@testable import mana_bench

/// What other programs print, as they print it.
@Suite struct ParsingTests {
  static let redis: [(csv: String, figures: PeerFigures?)] = [
    (
      """
      "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
      "EVALSHA 8d5c 0 __rand_int__ 10000","91324.20","34.1","5.2","33.503","39.1","45.023","60.4"
      """, PeerFigures(perSecond: 91_324.2, p50: 33_503, p99: 45_023)
    ),
    (
      """
      "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
      """, nil
    ), ("", nil), ("Could not connect to Redis at 127.0.0.1:1: Connection refused\n", nil),
  ]

  @Test(arguments: redis.indices)
  func redisBenchmark(_ index: Int) { #expect(Redis.parse(csv: Self.redis[index].csv) == Self.redis[index].figures) }

  static let pgbench: [(text: String, rate: Double?)] = [
    (
      """
      number of transactions actually processed: 52345
      number of failed transactions: 0 (0.000%)
      latency average = 3.056 ms
      tps = 10471.237004 (without initial connection time)
      """, 10_471.237004
    ),
    ("number of failed transactions: 3 (0.006%)\ntps = 10471.2 (without initial connection time)\n", nil),
    ("pgbench: error: connection to server failed\n", nil), ("", nil),
  ]

  @Test(arguments: pgbench.indices)
  func pgbenchReport(_ index: Int) { #expect(Postgres.rate(Self.pgbench[index].text) == Self.pgbench[index].rate) }

  @Test func pgbenchLog() {
    #expect(Postgres.latencies(log: "0 1 1770 0 1795000000 1\n3 1 2500 0 1795000000 2\n\nbroken") == [1_770, 2_500])
  }

  @Test func grpc() throws {
    let json = #"{"callsPerSecond":7680,"calls":11520,"p50Microseconds":32500,"p99Microseconds":51200}"#
    #expect(try GRPC.parse(json + "\n") == PeerFigures(perSecond: 7_680, p50: 32_500, p99: 51_200))
    #expect(throws: BenchError.self) { try GRPC.parse("no call was answered") }
  }

  static let log = """
    2026-11-26T16:20:43.120Z info starting: dataDirectory=/var/recovered: transactions=1
    2026-11-26T16:20:43.123Z info recovered: accounts=3 blocks=9 milliseconds=16 transactions=12345 transactionsPerSecond=9
    2026-11-26T16:20:47.001Z info draining: connections=0
    2026-11-26T16:20:47.002Z info stopped: blocks=7 longestTurnMicroseconds=1500 shard=0
    2026-11-26T16:20:47.002Z info stopped: blocks=8 longestTurnMicroseconds=900 shard=1
    """

  @Test func theServersLog() {
    let recovery = Recovery(log: Self.log)
    #expect(recovery?.transactions == 12_345 && recovery?.accounts == 3)
    #expect(ServerLog.values(of: "longestTurnMicroseconds", in: Self.log) == [1_500, 900])
    #expect(ServerLog.values(of: "Microseconds", in: Self.log).isEmpty)
    #expect(Recovery(log: "nothing recovered here") == nil && Recovery(log: "") == nil)
  }

  @Test func residentMemory() {
    #expect(ProcessStatus.residentBytes("Name:\tmana\nVmHWM:\t  999 kB\nVmRSS:\t  122860 kB\n") == 125_808_640)
    #expect(ProcessStatus.residentBytes("Name:\tmana\n") == nil)
  }

  @Test func userTime() {
    let stat = "7 (mana (x) y) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 5 0 100 1 2"
    #expect(ProcessStatus.userTicks(stat) == 250)
    #expect(ProcessStatus.userTicks("7 (mana) S 1") == nil && ProcessStatus.userTicks("") == nil)
  }

  @Test func processorTimes() {
    let before = ProcessorTimes("cpu  100 10 40 500 20 0 10 20 99 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    #expect(before.total == 700 && before.stolen == 20)
    let after = ProcessorTimes("cpu  160 10 60 550 20 0 10 90 99 9\n")
    #expect(after.withheld(since: before) == 0.35)
    #expect(before.withheld(since: before) == 0)
    for text in ["", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8 9 10\n", "intr 1 2 3 4 5 6 7 8 9\n"] {
      #expect(ProcessorTimes(text) == ProcessorTimes(""))
    }
    #expect(ProcessorTimes.now.total > 0)
  }

  /// The beginning of what `mana-load --json` prints.
  static func load(refused: Int = 0, errors: Int = 0, unknown: Int = 0) -> String {
    #"{"scenario":"combination-batches","transactionsPerSecond":2582178.1,"requestsPerSecond":315.3,"#
      + #""accepted":7755930,"refused":\#(refused),"errors":\#(errors),"#
      + #""latencyMicroseconds":{"p50":8110.1,"p90":18645.0,"p99":92078.1,"p999":103481.3,"max":103481.3},"#
      + #""durationSeconds":3.004,"unknownRequests":\#(unknown),"#
      + #""machine":{"system":"Linux 6.1 x86_64","processor":"P","processors":2,"memoryBytes":1073741824}}"#
  }

  @Test func theLoadTester() throws {
    let figures = try LoadFigures(json: Self.load())
    #expect(figures.transactionsPerSecond == 2_582_178.1 && figures.latencyMicroseconds.p99 == 92_078.1)
    #expect(MachineText.text(figures.machine) == "P, 2 processors, 1 GiB, Linux 6.1 x86_64")
    for text in [Self.load(refused: 1), Self.load(errors: 1), Self.load(unknown: 1), "", "{}"] {
      #expect(throws: BenchError.self) { try LoadFigures(json: text) }
    }
  }
}
