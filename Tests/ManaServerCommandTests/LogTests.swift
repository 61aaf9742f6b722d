import Foundation
import Logging
import Synchronization
import Testing

@testable import mana_server

/// What stands in the log, and how much of it.
@Suite struct LogTests {
  static let time: UInt64 = 1_795_713_643_123_456_789

  /// Event, fields, as text and as JSON.
  static let cases: [(event: String, fields: Logger.Metadata, text: String, json: String)] = [
    ("draining", [:], "info draining", #""event":"draining"}"#),
    (
      "recovered", ["transactions": .stringConvertible(7), "accounts": .stringConvertible(UInt64.max)],
      "info recovered: accounts=18446744073709551615 transactions=7",
      #""event":"recovered","accounts":18446744073709551615,"transactions":7}"#
    ),
    (
      "listening", ["tls": .stringConvertible(true), "address": "[::1]:7420"],
      "info listening: address=[::1]:7420 tls=true", #""event":"listening","address":"[::1]:7420","tls":true}"#
    ),
    // What a caller says stays in its field, and on its line.
    (
      "connection established", ["client": "a b=\"c\"\n2026 info forged\u{1B}[2J", "credential": ""],
      #"info connection established: client="a b=\"c\"\n2026 info forged\u001b[2J" credential="""#,
      #""event":"connection established","client":"a b=\"c\"\n2026 info forged\u001b[2J","credential":""}"#
    ),
    ("one\ntwo", [:], #"info "one\ntwo""#, #""event":"one\ntwo"}"#),
    (
      "odd", ["level": "mine", "list": ["a", "b"], "inner": ["n": .stringConvertible(1)]],
      #"info odd: inner="[\"n\": \"1\"]" level=mine list="[\"a\", \"b\"]""#,
      #""event":"odd","inner":{"n":1},"level_":"mine","list":["a","b"]}"#
    ),
  ]

  @Test(arguments: cases.indices) func anEventIsOneLine(index: Int) throws {
    let (event, fields, text, json) = Self.cases[index]
    let line = LogLine(time: Self.time, level: "info", event: event, fields: fields)
    #expect(line.formatted(.text) == "2026-11-26T17:20:43.123Z " + text)
    let written = line.formatted(.json)
    #expect(written == #"{"time":"2026-11-26T17:20:43.123Z","level":"info","# + json)
    #expect(!written.contains("\n"))
    _ = try JSONSerialization.jsonObject(with: Data(written.utf8))
  }

  @Test(
    arguments: [
      (0, "2026-11-26T17:20:43.000Z"), (999_999, "2026-11-26T17:20:43.000Z"), (1_000_000, "2026-11-26T17:20:43.001Z"),
      (100_000_000, "2026-11-26T17:20:43.100Z"), (120_000_000, "2026-11-26T17:20:43.120Z"),
      (999_999_999, "2026-11-26T17:20:43.999Z"),
    ] as [(UInt64, String)])
  func aTimeHasThreeDecimals(nanoseconds: UInt64, text: String) {
    let time = Self.time - Self.time % 1_000_000_000 + nanoseconds
    let line = LogLine(time: time, level: "info", event: "draining", fields: [:])
    #expect(line.formatted(.text) == text + " info draining")
    #expect(line.formatted(.json).hasPrefix(#"{"time":"\#(text)","#))
  }

  @Test(arguments: [(1, 100), (60, 60), (60, 61), (60, 1_000), (0, 1_000)])
  func aKindHasSoManyLinesInAMinute(linesMax: Int, events: Int) {
    var limiter = LogLimiter(linesMax: linesMax)
    let start = ContinuousClock.now
    var written = 0
    for event in 0..<events where limiter.admits("flood", level: "info", at: start + .milliseconds(event)) {
      written += 1
    }
    let expected = linesMax == 0 ? events : min(events, linesMax)
    #expect(written == expected)
    // Another kind has lines of its own.
    let isRareWritten = limiter.admits("rare", level: "error", at: start + .seconds(1))
    #expect(isRareWritten)
    let early = limiter.endWindows(at: start + .seconds(59))
    #expect(early.isEmpty)
    let omissions = limiter.endWindows(at: start + .seconds(60))
    #expect(omissions.map(\.count) == (events > expected ? [events - expected] : []))
    #expect(omissions.allSatisfy { $0.kind == "flood" && $0.level == "info" })
    // The next minute begins anew.
    let isNextWritten = limiter.admits("flood", level: "info", at: start + .seconds(61))
    #expect(isNextWritten)
    let rest = limiter.endWindows(at: start + .seconds(61), all: true)
    #expect(rest.isEmpty)
  }

  @Test func kindsAreBounded() {
    var limiter = LogLimiter(linesMax: 1)
    let start = ContinuousClock.now
    var written = 0
    for event in 0..<10_000 where limiter.admits("kind \(event)", level: "info", at: start) { written += 1 }
    // One line for what shares a window.
    #expect(written == LogLimiter.kindsMax + 1)
    let omissions = limiter.endWindows(at: start, all: true)
    #expect(omissions.map(\.count) == [10_000 - written])
  }

  @Test func threadsWriteWholeLinesAndNoneIsLost() async {
    let lines = Mutex<[String]>([])
    let sink = LogSink(format: .json, linesPerMinute: 10) { line in lines.withLock { $0.append(line) } }
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          var logger = Logger(label: "test") { _ in SinkLogHandler(sink: sink) }
          logger[metadataKey: "task"] = .stringConvertible(task)
          logger.logLevel = .notice
          for _ in 0..<100 { logger.notice("event") }
          logger.info("below the level")
        }
      }
    }
    sink.reportOmissions()
    #expect(lines.withLock { $0.count } == 10)
    sink.reportOmissions(all: true)
    let last = lines.withLock { $0.last ?? "" }
    #expect(last.hasSuffix(#""level":"notice","event":"lines left out","count":790,"of":"event"}"#), "\(last)")
  }
}
