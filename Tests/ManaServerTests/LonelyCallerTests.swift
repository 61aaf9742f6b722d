import ManaProtocol
import ManaTesting
import Testing

@testable import ManaServer

/// A caller that has been alone for a while does not wait for the writer's thread.
@Suite struct LonelyCallerTests {
  private static func purchase(_ id: UInt128, account: UInt128 = 42) -> SimulatedRequest {
    SimulatedRequest(number: 0, .post(ItemBatch([.purchase(id, account, 100)])))
  }

  /// Connects, and makes single calls until the caller has been alone for long enough.
  private func loneCaller(_ bench: SteppedBench) throws -> SteppedCaller {
    let caller = try bench.connect()
    #expect(bench.replies(1, to: caller) == [.ok])
    for id in 1...UInt128(ServerLimits.lonelyTurnsMin + 2) {
      caller.send(Self.purchase(id))
      #expect(bench.replies(1, to: caller) == [.ok])
    }
    while bench.server.write(0) {}
    return caller
  }

  /// On a slow machine a block that closes the journal comes between two calls, and is the writer's: hence some calls.
  @Test func theLoopWritesForALoneCaller() throws {
    let bench = try SteppedBench()
    let caller = try loneCaller(bench)
    var answeredAtOnce = 0
    for id in UInt128(1_000)..<1_020 {
      caller.send(Self.purchase(id))
      var statuses: [Status] = []
      let isTaken = bench.turn {
        statuses += caller.receive()
        return !statuses.isEmpty || bench.server.hasWorkForWriter(0)
      }
      #expect(isTaken)
      if statuses == [.ok] { answeredAtOnce += 1 } else { #expect(bench.replies(1, to: caller) == [.ok]) }
    }
    #expect(answeredAtOnce > 0)
  }

  @Test func aSecondRequestInFlightIsTheWriters() throws {
    let bench = try SteppedBench()
    let caller = try loneCaller(bench)
    let (first, second) = (Self.purchase(1_000), Self.purchase(1_001))
    caller.send(
      SteppedCaller.frame(first.opcode, 1, first.body) + SteppedCaller.frame(second.opcode, 2, second.body))
    let isTaken = bench.turn { bench.server.hasWorkForWriter(0) }
    #expect(isTaken)
    #expect(caller.receive().isEmpty)
    #expect(bench.replies(2, to: caller) == [.ok, .ok])
  }

  @Test func aSecondCallerEndsTheLoneliness() throws {
    let bench = try SteppedBench()
    let caller = try loneCaller(bench)
    let other = try bench.connect()
    #expect(bench.replies(1, to: other) == [.ok])
    while bench.server.write(0) {}
    caller.send(Self.purchase(1_000))
    let isTaken = bench.turn { bench.server.hasWorkForWriter(0) }
    #expect(isTaken)
    #expect(caller.receive().isEmpty)
    #expect(bench.replies(1, to: caller) == [.ok])
  }
}
