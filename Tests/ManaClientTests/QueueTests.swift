import Testing

@testable import ManaClient

@Suite("Deadlines and pauses") struct QueueTests {
  @Test("Elements come out in the order of their deadlines, whatever the order of their coming")
  func ordered() {
    var generator = SeededGenerator.fresh()
    for size in [0, 1, 2, 3, 10, 1_000] {
      var queue = DeadlineQueue<Int, Int>()
      let deadlines = (0..<size).map { _ in Int.random(in: 0..<100, using: &generator) }
      for (element, deadline) in deadlines.enumerated() {
        queue.insert(element, at: deadline) { _ in false }
        queue.checkInvariants()
      }
      var popped: [Int] = []
      for moment in 0..<100 {
        while let element = queue.popDue(moment) {
          #expect(deadlines[element] == moment, "seed \(generator.seed)")
          popped.append(element)
        }
      }
      #expect(popped.sorted() == Array(0..<size), "seed \(generator.seed)")
      #expect(queue.earliest == nil)
    }
  }

  @Test("What has ended is swept out, what is alive is not")
  func swept() {
    var generator = SeededGenerator.fresh()
    var queue = DeadlineQueue<Int, Int>()
    var alive: Set<Int> = []
    for element in 0..<20_000 {
      queue.insert(element, at: Int.random(in: 0..<1_000, using: &generator)) { !alive.contains($0) }
      alive.insert(element)
      // Ten calls are in flight at any time; the others have ended long before their deadline.
      if element >= 10 { alive.remove(element - 10) }
    }
    queue.checkInvariants()
    #expect(queue.count <= 2 * ClientLimits.staleDeadlinesMin, "seed \(generator.seed)")
    var left: Set<Int> = []
    while let element = queue.popDue(1_000) { left.insert(element) }
    #expect(alive.isSubset(of: left), "seed \(generator.seed)")
  }

  @Test(
    "A pause is a part of a bound that doubles from 50 ms to 5 s",
    arguments: [(0, 50), (1, 100), (2, 200), (6, 3_200), (7, 5_000), (8, 5_000), (1_000_000, 5_000)])
  func pauses(attempt: Int, boundMilliseconds: Int) {
    var generator = SeededGenerator.fresh()
    let backoff = ManaClient.Configuration.Backoff()
    let bound = Duration.milliseconds(boundMilliseconds)
    let drawn = (0..<1_000).map { _ in backoff.pause(attempt: attempt, using: &generator) }
    #expect(drawn.allSatisfy { $0 >= .zero && $0 <= bound }, "seed \(generator.seed)")
    // Full jitter: both ends of the range are drawn from.
    #expect(drawn.contains { $0 < bound / 4 } && drawn.contains { $0 > bound * 3 / 4 }, "seed \(generator.seed)")
  }
}
