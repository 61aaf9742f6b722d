import ManaProtocol
import ManaTesting
import Testing

@testable import ManaServer

/// How much a turn executes, and who comes when.
@Suite struct TurnTests {
  private static func send(_ count: Int, to caller: SteppedCaller, account: UInt128) {
    caller.send(
      (1...UInt128(count)).flatMap { id in
        let request = SimulatedRequest(number: 0, .post(ItemBatch([.purchase(id, account, 100)])))
        return SteppedCaller.frame(request.opcode, UInt64(id), request.body)
      })
  }

  /// Transactions of both accounts after a turn that has brought some.
  private static func progress(_ bench: SteppedBench, from before: [UInt32]) -> [UInt32] {
    var now = before
    _ = bench.turn {
      now = [1, 2].map { UInt32(bench.server.transactionCount(of: $0)) }
      return now != before
    }
    return now
  }

  @Test(arguments: [1, 2, 3]) func aTurnEndsWhenItHasDoneEnough(itemsPerTurn: Int) throws {
    let bench = try SteppedBench(itemsPerTurn: itemsPerTurn)
    let caller = try bench.connect()
    #expect(bench.replies(1, to: caller) == [.ok])
    Self.send(12, to: caller, account: 1)
    var before: [UInt32] = [0, 0]
    for turn in 1...12 / itemsPerTurn {
      let now = Self.progress(bench, from: before)
      #expect(now == [UInt32(turn * itemsPerTurn), 0], "turn \(turn)")
      before = now
    }
    #expect(bench.replies(12, to: caller) == Array(repeating: .ok, count: 12))
  }

  /// Whoever has used a turn up is behind those who had nothing of it.
  @Test func callersTakeTurns() throws {
    let bench = try SteppedBench(itemsPerTurn: 1)
    let callers = try [bench.connect(), bench.connect()]
    for caller in callers { #expect(bench.replies(1, to: caller) == [.ok]) }
    for (index, caller) in callers.enumerated() { Self.send(10, to: caller, account: UInt128(index + 1)) }
    var before: [UInt32] = [0, 0]
    for turn in 1...20 {
      let now = Self.progress(bench, from: before)
      #expect(now[0] + now[1] == UInt32(turn))
      #expect(max(now[0], now[1]) - min(now[0], now[1]) <= 1, "turn \(turn): \(now)")
      before = now
    }
  }
}
