import ManaClient
import ManaProtocol
import Testing

@testable import mana

/// What `mana top` shows of two answers, and how it draws it.
@Suite struct TopTests {
  static func answer(uptimeSeconds: UInt64, posted: [UInt64], flushes: UInt64 = 0) -> ShardStatusReply {
    ShardStatusReply(
      uptimeNanoseconds: uptimeSeconds * 1_000_000_000,
      shards: posted.map { count in
        var shard = ShardStatus()
        shard.posted = count
        shard.connections = 3
        shard.flushHistogram.buckets[17] = flushes
        return shard
      })
  }

  @Test func ratesAreThoseOfTheInterval() {
    let sample = TopSample(
      previous: Self.answer(uptimeSeconds: 10, posted: [1_000, 0]),
      now: Self.answer(uptimeSeconds: 12, posted: [3_000, 10])
    )
    #expect(sample.shards.map { $0.rate(\.posted) } == [1_000, 5])
    #expect(sample.total.rate(\.posted) == 1_005)
    #expect(sample.total.now.connections == 6)
  }

  /// The first answer, one of a server that was restarted, and one with other shards have nothing to be compared with.
  @Test(arguments: [nil, answer(uptimeSeconds: 11, posted: [900, 900]), answer(uptimeSeconds: 5, posted: [1])])
  func withoutAnEarlierAnswerTheyAreThoseSinceTheStart(previous: ShardStatusReply?) {
    let sample = TopSample(previous: previous, now: Self.answer(uptimeSeconds: 10, posted: [1_000, 0]))
    #expect(sample.total.rate(\.posted) == 100)
  }

  @Test func percentilesAreThoseOfTheInterval() {
    var now = Self.answer(uptimeSeconds: 11, posted: [0], flushes: 100)
    now.shards[0].flushHistogram.buckets[20] = 1
    let sample = TopSample(previous: Self.answer(uptimeSeconds: 10, posted: [0], flushes: 100), now: now)
    #expect(TopView.time(sample.total.grown.flushHistogram, 0.5) == "1.0ms")
    #expect(TopView.time(sample.total.grown.requestHistogram, 0.5) == "-")
  }

  @Test(arguments: [(0, "1ns"), (9, "512ns"), (10, "1.0µs"), (14, "16µs"), (20, "1.0ms"), (30, "1.1s"), (35, "34s")])
  func timesHaveTheirUnit(bucket: Int, text: String) {
    var histogram = LatencyHistogram()
    histogram.buckets[bucket] = 1
    #expect(TopView.time(histogram, 0.5) == text)
  }

  static func view(shards: Int) -> TopView {
    let posted = [UInt64](repeating: 1, count: shards)
    return TopView(
      address: "a:1", server: "mana-server 1",
      sample: TopSample(previous: nil, now: answer(uptimeSeconds: 1, posted: posted)))
  }

  @Test(arguments: [(24, 11), (11, 11), (10, 10), (6, 6)])
  func shardsThatDoNotFitAreCounted(height: Int, count: Int) {
    let lines = Self.view(shards: 6).lines(height: height)
    #expect(lines.count == count)
    #expect(lines.last?.hasPrefix(height < 11 ? "and \(6 - (height - 6)) more shards" : "5 ") == true)
  }

  @Test func columnsStandBelowTheirHeadings() {
    let lines = Self.view(shards: 2).lines(height: 24)
    #expect(Set(lines[3...].map(\.count)).count == 1)
  }

  @Test(arguments: [(80, 24), (20, 24), (1, 1), (300, 3)])
  func aFrameStaysWithinTheScreen(width: Int, height: Int) {
    let frame = LiveTerminal.frame(Self.view(shards: 40).lines(height: height), width: width, height: height)
    #expect(frame.hasPrefix("\u{1B}[H") && frame.hasSuffix("\u{1B}[J"))
    let lines = frame.split(separator: "\r\n").map { $0.replacing(/\u{1B}\[[0-9;]*[A-Z]/, with: "") }
    #expect(lines.count <= height)
    #expect(lines.allSatisfy { $0.count <= width })
  }

  @Test func aCutLineKeepsTheEndOfItsColour() {
    let frame = LiveTerminal.frame(["\u{1B}[7mabcdef\u{1B}[0m"], width: 3, height: 1)
    #expect(frame.contains("\u{1B}[7mabc\u{1B}[0m\u{1B}[K"))
  }
}
