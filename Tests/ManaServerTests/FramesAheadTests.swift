import ManaLedger
import ManaProtocol
import ManaTesting
import Testing

@testable import ManaServer

/// Looking ahead reads nothing beyond the input, whatever is in it, and changes nothing.
@Suite struct FramesAheadTests {
  /// Input that ends where its memory does, so that the address sanitizer sees a byte too many.
  private func look(at bytes: [UInt8], consuming lengths: [Int]) {
    let records = RecordMemory()
    defer { withExtendedLifetime(records) {} }
    let ledger = Ledger(records: records.space, tableSeed: 3)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    var ahead = FramesAhead()
    ahead.begin()
    var front = 0
    for length in lengths {
      ahead.look(at: UnsafeRawBufferPointer(rebasing: memory[front...]), ledger)
      front = min(front + length, bytes.count)
      ahead.consume(length)
    }
    #expect(ledger.accountCount == 0 && ledger.digest == 0)
  }

  private func calls(_ count: Int) -> [[UInt8]] {
    (0..<count).map { number in
      let request = SimulatedRequest(
        number: number, .post(ItemBatch([.purchase(UInt128(number + 1), UInt128(number % 3), 5)])))
      return SteppedCaller.frame(request.opcode, UInt64(number), request.body)
    }
  }

  @Test(arguments: [0, 1, 3, 4, 8, 15, 16, 17, 24, 25, 100])
  func callsOneBehindTheOther(count: Int) {
    let calls = calls(count)
    look(at: calls.flatMap { $0 }, consuming: calls.map(\.count))
  }

  /// Cut anywhere, with other frames among them, with bytes of chance instead of some.
  @Test(arguments: [UInt64](1...60))
  func anyBytes(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var frames = calls(Int.random(in: 1...40, using: &generator))
    for index in frames.indices where Int.random(in: 0..<6, using: &generator) == 0 {
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: frames[index] = SteppedCaller.frame(.ping, 9, [1, 2, 3, 4, 5, 6, 7, 8])
      case 1: frames[index] = frames[index].map { _ in UInt8.random(in: 0...255, using: &generator) }
      default: frames[index][Int.random(in: 0..<6, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
    }
    let bytes = frames.flatMap { $0 }
    look(
      at: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))), consuming: frames.map(\.count))
  }
}
