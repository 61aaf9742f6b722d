import ManaTesting
import Testing

@testable import ManaServer

/// Replies leave in order, whole, and never before their block is durable.
@Suite struct HeldRepliesTests {
  /// Holds a reply of `count` bytes that all have the value `value`.
  private func hold(_ held: inout HeldReplies, _ count: Int, value: UInt8, block: UInt64) {
    held.reserve(count).initializeMemory(as: UInt8.self, repeating: value, count: count)
    held.commit(count, block: block, requestBytes: 10)
  }

  @Test func nothingLeavesBeforeItsBlock() {
    var held = HeldReplies()
    hold(&held, 5, value: 1, block: 3)
    hold(&held, 7, value: 2, block: 4)
    var sent: [UInt8] = []
    let replies = [2, 3, 9].map { durable in held.release(upTo: durable) { sent += $0 }.replies }
    #expect(replies == [0, 1, 1])
    #expect(sent == [UInt8](repeating: 1, count: 5) + [UInt8](repeating: 2, count: 7))
    let (isEmpty, bytes) = (held.isEmpty, held.bytes)
    #expect(isEmpty && bytes == 0)
  }

  @Test func randomSequencesKeepBytesAndOrder() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix64(seed: seed)
    var held = HeldReplies()
    var expected: [(bytes: [UInt8], block: UInt64)] = []
    var block: UInt64 = 1
    for _ in 0..<5_000 {
      if Int.random(in: 0..<3, using: &random) > 0 {
        let count = Int.random(in: 1...3_000, using: &random)
        let value = UInt8.random(in: 0...255, using: &random)
        block += UInt64.random(in: 0...1, using: &random)
        hold(&held, count, value: value, block: block)
        expected.append(([UInt8](repeating: value, count: count), block))
      } else {
        let durable = UInt64.random(in: block - min(block, 5)...block, using: &random)
        var sent: [UInt8] = []
        let released = held.release(upTo: durable) { sent += $0 }
        let due = expected.prefix { $0.block <= durable }
        #expect(sent == due.flatMap(\.bytes), "seed \(seed)")
        #expect(released.replies == due.count, "seed \(seed)")
        expected.removeFirst(due.count)
      }
      let bytes = held.bytes
      #expect(bytes == expected.reduce(0) { $0 + $1.bytes.count }, "seed \(seed)")
    }
  }

  /// A caller with some replies waiting at any moment: what they take does not grow with how many there were.
  @Test(arguments: [1, 7, 255, 512])
  func whatIsNeverEmptyStaysSmall(waiting: Int) {
    var held = HeldReplies()
    for reply in 1...UInt64(waiting) { hold(&held, 64, value: 7, block: reply) }
    for reply in UInt64(waiting) + 1...20_000 {
      hold(&held, 64, value: 7, block: reply)
      let released = held.release(upTo: reply - UInt64(waiting)) { #expect($0.count == 64) }
      #expect(released.replies == 1)
    }
    let (entries, bytes, waits) = (held.entryCount, held.storageBytes, held.bytes)
    #expect(waits == waiting * 64 && entries <= 2 * waiting)
    #expect(bytes <= max(ServerLimits.heldBytesInitial, 4 * waits))
  }
}
