import Testing

@testable import mana_load

@Suite struct ScheduleTests {
  @Test func theClosedLoopSendsUntilTheDeadline() {
    let schedule = Schedule(Pacing(deadlineNanoseconds: 100), startNanoseconds: 10)
    #expect(schedule.next(at: 10) == .send(intended: nil))
    #expect(schedule.next(at: 99) == .send(intended: nil))
    #expect(schedule.next(at: 100) == .end)
    #expect(schedule.overdue(at: 100) == 0)
  }

  @Test func theOpenLoopCountsFromTheIntendedMoment() {
    var schedule = Schedule(
      Pacing(requestsPerSecond: 1_000, deadlineNanoseconds: 5_000_000), startNanoseconds: 0)
    #expect(schedule.next(at: 0) == .send(intended: 0))
    schedule.advance()
    #expect(schedule.next(at: 999_999) == .wait(until: 1_000_000))
    // A stall until 3.5 ms: three requests are due, each since its own moment.
    for moment in [1_000_000, 2_000_000, 3_000_000] as [UInt64] {
      #expect(schedule.next(at: 3_500_000) == .send(intended: moment))
      schedule.advance()
    }
    #expect(schedule.next(at: 3_500_000) == .wait(until: 4_000_000))
    #expect(schedule.overdue(at: 6_000_000) == 1)
    #expect(schedule.next(at: 5_000_000) == .end)
  }

  @Test func ringsKeepTheirOrder() {
    var ring = IndexRing(capacity: 4)
    var order: [Int] = []
    for slot in 0..<4 { ring.append(slot) }
    for slot in [0, 1, 2] {
      order.append(ring.removeFirst())
      ring.append(slot)
    }
    #expect(order == [0, 1, 2])
    let left = (0..<ring.count).map { ring[$0] }
    #expect(left == [3, 0, 1, 2])
  }
}
