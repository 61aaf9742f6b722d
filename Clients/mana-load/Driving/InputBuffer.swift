import ManaProtocol

/// Received bytes that are not parsed yet. What is left of a frame moves to the front when room is needed; the buffer
/// grows only when one frame is larger than all of it.
struct InputBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private var start = 0
  private var end = 0

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { base.deallocate() }

  var count: Int { end - start }
  /// The first byte that is not parsed.
  var first: UnsafeRawPointer { UnsafeRawPointer(base + start) }

  mutating func consume(_ bytes: Int) {
    start += bytes
    if start == end { (start, end) = (0, 0) }
  }

  /// Receives what is there. Nil when nothing is, 0 at the end of the stream.
  mutating func receive(from socket: borrowing Socket) throws(SystemError) -> Int? {
    if end == capacity { makeRoom(for: count) }
    let received = try socket.receive(into: base + end, count: capacity - end)
    end += received ?? 0
    return received
  }

  /// Makes sure that a frame of `length` bytes fits behind what is parsed already.
  mutating func makeRoom(for length: Int) {
    guard start + length >= capacity else { return }
    if length < capacity {
      base.copyMemory(from: base + start, byteCount: count)
    } else {
      let larger = UnsafeMutableRawPointer.allocate(byteCount: length * 2, alignment: 64)
      larger.copyMemory(from: base + start, byteCount: count)
      base.deallocate()
      base = larger
      capacity = length * 2
    }
    (start, end) = (0, end - start)
  }
}
