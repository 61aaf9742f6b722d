// The heap of deadlines: a binary heap of 16-byte elements, u64 deadline · u64 number of the entry. Each entry knows
// its place in it, so that a settled spend leaves the heap at once. Equal deadlines are ordered by the spend's
// position: the order of timeouts follows from the records alone.

extension SpendTable {
  /// The earliest deadline, in nanoseconds since 1970. Constant time.
  var nextDeadline: UInt64? { heap.count == 0 ? nil : heap[0].load(as: UInt64.self) }

  /// The entry with the earliest deadline. There must be one.
  var nextDue: UInt32 { heapEntry(0) }

  var unsettledCount: Int { heap.count }

  mutating func pushDeadline(_ number: UInt32) {
    let slot = heap.append()
    place(number, deadline: self[number].deadline, at: slot)
    siftUp(slot)
  }

  mutating func removeDeadline(_ number: UInt32) {
    let slot = Int(self[number].heapSlot) - 1
    let last = heapEntry(heap.count - 1)
    self[number].heapSlot = 0
    heap.removeLast()
    if last == number { return }
    place(last, deadline: self[last].deadline, at: slot)
    siftUp(slot)
    siftDown(Int(self[last].heapSlot) - 1)
  }

  /// Gives an unsettled spend another deadline.
  mutating func postpone(_ number: UInt32, to deadline: UInt64) {
    removeDeadline(number)
    self[number].deadline = deadline
    pushDeadline(number)
  }

  func heapEntry(_ slot: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: heap[slot].load(fromByteOffset: 8, as: UInt64.self))
  }

  private func place(_ number: UInt32, deadline: UInt64, at slot: Int) {
    heap[slot].storeBytes(of: deadline, as: UInt64.self)
    heap[slot].storeBytes(of: UInt64(number), toByteOffset: 8, as: UInt64.self)
    self[number].heapSlot = UInt32(slot + 1)
  }

  /// Whether the element at `left` comes before that at `right`.
  func isEarlier(_ left: Int, _ right: Int) -> Bool {
    let leftDeadline = heap[left].load(as: UInt64.self)
    let rightDeadline = heap[right].load(as: UInt64.self)
    if leftDeadline != rightDeadline { return leftDeadline < rightDeadline }
    return self[heapEntry(left)].position < self[heapEntry(right)].position
  }

  private func exchange(_ left: Int, _ right: Int) {
    let leftEntry = heapEntry(left)
    let rightEntry = heapEntry(right)
    let leftDeadline = heap[left].load(as: UInt64.self)
    place(rightEntry, deadline: heap[right].load(as: UInt64.self), at: left)
    place(leftEntry, deadline: leftDeadline, at: right)
  }

  private func siftUp(_ start: Int) {
    var slot = start
    while slot > 0, isEarlier(slot, (slot - 1) / 2) {
      exchange(slot, (slot - 1) / 2)
      slot = (slot - 1) / 2
    }
  }

  private func siftDown(_ start: Int) {
    var slot = start
    while true {
      var earliest = slot
      for child in [2 * slot + 1, 2 * slot + 2] where child < heap.count && isEarlier(child, earliest) {
        earliest = child
      }
      if earliest == slot { return }
      exchange(slot, earliest)
      slot = earliest
    }
  }
}
