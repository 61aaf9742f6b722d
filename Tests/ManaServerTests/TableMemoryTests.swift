import Dispatch
import ManaEventLoop
import Synchronization
import Testing

@testable import ManaServer

/// Memory that tables will take: batches wait for it where the system is slow, and are told when it is there.
@Suite struct TableMemoryTests {
  /// Waits for what another thread will bring about.
  private func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<5_000 {
      if condition() { return true }
      try await Task.sleep(for: .milliseconds(1))
    }
    return false
  }

  @Test(arguments: 0...ServerLimits.tablePiecesPendingMax + 3)
  func aBatchWaitsWhilePiecesArePending(pieces: Int) async throws {
    let changes = Atomic(0)
    let touched = Atomic(0)
    let memory = try TableMemory(shard: 0) { changes.wrappingAdd(1, ordering: .relaxed) }
    let gates = (0..<pieces).map { _ in DispatchSemaphore(value: 0) }
    for gate in gates {
      memory.submit {
        gate.wait()
        touched.wrappingAdd(1, ordering: .relaxed)
      }
    }
    let excess = pieces - ServerLimits.tablePiecesPendingMax
    #expect(memory.isAtHand == (excess <= 0))
    for (index, gate) in gates.enumerated() {
      gate.signal()
      // The piece that ends the wait calls, and no other.
      let expected = excess > 0 && index + 1 >= excess ? 1 : 0
      let isDone = try await eventually {
        touched.load(ordering: .relaxed) == index + 1 && changes.load(ordering: .relaxed) == expected
      }
      #expect(isDone, "piece \(index)")
    }
    #expect(memory.isAtHand)
    memory.end()
    #expect(changes.load(ordering: .relaxed) == (excess > 0 ? 1 : 0))
    #expect(touched.load(ordering: .relaxed) == pieces)
  }
}
