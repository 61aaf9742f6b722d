import Synchronization
import Testing

@testable import ManaServer

/// What a caller's connections share: their number, and a rate.
@Suite struct CallersTests {
  static let second: UInt64 = 1_000_000_000
  static let start = 1_000 * second

  @Test func connectionsAreCountedForEachCaller() throws {
    let callers = Callers(connectionsMax: 2)
    let first = try #require(callers.enter("a", now: 0))
    let second = try #require(callers.enter("a", now: 0))
    #expect(first === second)
    #expect(callers.enter("a", now: 0) == nil && callers.enter("b", now: 0) != nil)
    callers.leave(first)
    #expect(callers.enter("a", now: 0) != nil && callers.enter("a", now: 0) == nil)
  }

  @Test func aSecondsWorthAtOnceThenTheRate() throws {
    let caller = try #require(Callers(rateMax: 100).enter("a", now: Self.start))
    for _ in 0..<100 { #expect(caller.take(1, rate: 100, now: Self.start) == 0) }
    let wait = caller.take(1, rate: 100, now: Self.start)
    #expect(wait > 0 && wait <= Self.second / 100)
    #expect(caller.take(1, rate: 100, now: Self.start + wait) == 0)
    #expect(caller.take(1, rate: 100, now: Self.start + wait) > 0)
    // Who has paused for long has a second's worth again, and no more.
    let later = Self.start + 3_600 * Self.second
    #expect((0..<1_000).count { _ in caller.take(1, rate: 100, now: later) == 0 } == 100)
  }

  /// A batch that is larger than a second's worth gets through whole, and is paid for afterwards.
  @Test func aLargeBatchIsTakenWholeAndPaidFor() throws {
    let caller = try #require(Callers(rateMax: 10).enter("a", now: Self.start))
    #expect(caller.take(8_190, rate: 10, now: Self.start) == 0)
    let wait = caller.take(1, rate: 10, now: Self.start)
    #expect(wait == 818 * Self.second + 1)
    #expect(caller.take(1, rate: 10, now: Self.start + wait) == 0)
  }

  @Test(arguments: [(1, 1), (7, 3), (1_000, 8_190), (1_000_000_000, 1)])
  func theMeanIsNeverAboveTheRate(rate: Int, cost: Int) throws {
    let seed = UInt64.random(in: .min ... .max)
    var state = seed
    let caller = try #require(Callers(rateMax: rate).enter("a", now: Self.start))
    var (now, taken) = (Self.start, 0)
    for _ in 0..<10_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      now += (state >> 33) % (2 * Self.second / 10)
      if caller.take(cost, rate: rate, now: now) == 0 { taken += cost }
    }
    let seconds = Double(now - Self.start) / 1e9
    #expect(Double(taken) <= Double(rate) * (seconds + 1) + Double(cost), "seed \(seed)")
    #expect(taken > 0, "seed \(seed)")
  }

  /// Coming back is no way to a second's worth more, and whoever owes nothing is forgotten.
  @Test func aCallerIsRememberedForAsLongAsItOwes() throws {
    let callers = Callers(rateMax: 10)
    let debtor = try #require(callers.enter("debtor", now: Self.start))
    #expect(debtor.take(1_000, rate: 10, now: Self.start) == 0)
    callers.leave(debtor)
    for index in 0..<1_000 { callers.leave(try #require(callers.enter("\(index)", now: Self.start))) }
    #expect(callers.count < 200)
    #expect(try #require(callers.enter("debtor", now: Self.start)).take(1, rate: 10, now: Self.start) > 0)
  }
}
