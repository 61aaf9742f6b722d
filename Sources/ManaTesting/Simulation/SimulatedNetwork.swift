// A connection is two pipes. Bytes are sent into a pipe, are under way for a while, and arrive in pieces of any size:
//
//   client ── sent ── delivered ──▶ server          `deliver` moves bytes on; nothing else does
//   client ◀── delivered ── sent ── server

/// One direction of a simulated connection.
package struct SimulatedPipe {
  /// How many bytes may be under way or unread before the sender has to wait.
  package static let windowBytes = 48 << 10

  private var bytes: [UInt8] = []
  private var head = 0
  /// Behind the last byte that has arrived.
  private var arrivedEnd = 0
  /// The sender will send no more.
  package private(set) var isEnded = false
  /// The reader has been told so.
  package private(set) var endArrived = false
  /// Where one piece ended and the next began, to tell what was coalesced.
  private var pieces = 0

  /// Bytes that the reader can take now.
  package var arrived: Int { arrivedEnd - head }
  /// Bytes that are under way.
  package var underWay: Int { bytes.count - arrivedEnd }
  package var room: Int { max(0, Self.windowBytes - (bytes.count - head)) }
  package var hasNews: Bool { underWay > 0 || (isEnded && !endArrived) }

  /// Sends as much as there is room for, and says how much that was.
  package mutating func send(_ content: UnsafeRawBufferPointer) -> Int {
    let count = min(content.count, room)
    guard !isEnded, count > 0 else { return 0 }
    bytes.append(contentsOf: content.prefix(count))
    pieces += 1
    return count
  }

  package mutating func end() { isEnded = true }

  /// Lets bytes arrive: a part of them, or all and then the end. Says what became of the pieces in which they were sent.
  package mutating func deliver(using random: inout SplitMix64) -> FaultKind? {
    guard underWay > 0 else {
      endArrived = isEnded
      return nil
    }
    if underWay > 1, random.chance(1, in: 4) {
      arrivedEnd += Int.random(in: 1..<underWay, using: &random)
      return .deliverySplit
    }
    arrivedEnd = bytes.count
    defer { pieces = 0 }
    return pieces > 1 ? .deliveryCoalesced : nil
  }

  /// Flips a bit of something that is under way; false when nothing is.
  package mutating func flipBit(using random: inout SplitMix64) -> Bool {
    guard underWay > 0 else { return false }
    bytes[Int.random(in: arrivedEnd..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    return true
  }

  /// Takes bytes that have arrived, at most as many as fit. Their number.
  package mutating func take(into room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(arrived, room.count)
    guard count > 0 else { return 0 }
    room.copyBytes(from: bytes[head..<head + count])
    drop(count)
    return count
  }

  package mutating func takeAll(upTo limit: Int = .max) -> [UInt8] {
    let count = min(arrived, limit)
    let taken = Array(bytes[head..<head + count])
    drop(count)
    return taken
  }

  private mutating func drop(_ count: Int) {
    head += count
    if head == bytes.count {
      bytes.removeAll(keepingCapacity: true)
      head = 0
      arrivedEnd = 0
    } else if head > 64 << 10 {
      bytes.removeFirst(head)
      arrivedEnd -= head
      head = 0
    }
  }
}

/// A simulated TCP connection.
package final class SimulatedLink {
  package let number: Int
  package var toServer = SimulatedPipe()
  package var toClient = SimulatedPipe()
  /// Broken in the middle: what was under way is gone, and both ends get an error.
  package private(set) var isCut = false
  /// The server has closed its end, or died.
  package var isServerGone = false
  package var isClientGone = false

  package init(number: Int) { self.number = number }

  package func cut() {
    isCut = true
  }
}
