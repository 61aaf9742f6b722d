/// A queue of slot numbers, first in, first out. Each slot is in it at most once, so that it never grows.
struct IndexRing: ~Copyable {
  private let storage: UnsafeMutablePointer<UInt16>
  private let capacity: Int
  private var first = 0
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    storage = .allocate(capacity: capacity)
    storage.initialize(repeating: 0, count: capacity)
  }

  deinit { storage.deallocate() }

  /// Entry *i* from the front; `index` must be below `count`. Constant time.
  subscript(index: Int) -> Int {
    let place = first + index
    return Int(storage[place < capacity ? place : place - capacity])
  }

  /// Constant time.
  mutating func append(_ slot: Int) {
    precondition(count < capacity, "a slot is queued once")
    let place = first + count
    storage[place < capacity ? place : place - capacity] = UInt16(slot)
    count += 1
  }

  /// Constant time; there must be an entry.
  mutating func removeFirst() -> Int {
    precondition(count > 0, "an empty queue has no first entry")
    let slot = Int(storage[first])
    first = first + 1 == capacity ? 0 : first + 1
    count -= 1
    return slot
  }
}
