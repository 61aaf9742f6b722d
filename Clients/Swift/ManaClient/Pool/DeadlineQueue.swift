/// Elements in the order of their deadlines: a binary heap. A pure value, which knows no clock.
///
/// Elements are not removed when they end early, which would take a search: `sweep` takes them out when more than half
/// have ended, so that both insertion and removal stay logarithmic and the memory proportional to what is alive.
struct DeadlineQueue<Deadline: Comparable, Element> {
  private var heap: [(deadline: Deadline, element: Element)] = []
  /// Size at which the next sweep is worth its while.
  private var sweepAt = ClientLimits.staleDeadlinesMin

  /// The earliest deadline.
  var earliest: Deadline? { heap.first?.deadline }
  /// Entries, ended ones included.
  var count: Int { heap.count }

  /// Logarithmic; amortized over the sweeps of entries for which `hasEnded` is true.
  mutating func insert(_ element: Element, at deadline: Deadline, hasEnded: (Element) -> Bool) {
    if heap.count >= sweepAt { sweep(hasEnded) }
    heap.append((deadline, element))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if heap[parent].deadline <= heap[child].deadline { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  /// Takes out the element with the earliest deadline if that is not after `moment`. Logarithmic.
  mutating func popDue(_ moment: Deadline) -> Element? {
    guard let first = heap.first, first.deadline <= moment else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    siftDown(from: 0)
    return first.element
  }

  private mutating func sweep(_ hasEnded: (Element) -> Bool) {
    heap.removeAll { hasEnded($0.element) }
    for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(from: parent) }
    sweepAt = max(ClientLimits.staleDeadlinesMin, heap.count * 2)
  }

  private mutating func siftDown(from start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].deadline < heap[least].deadline { least = child }
      if least == parent { return }
      heap.swapAt(least, parent)
      parent = least
    }
  }

  /// Traps unless each deadline is at or after its parent's.
  func checkInvariants() {
    for child in heap.indices.dropFirst() {
      precondition(heap[(child - 1) / 2].deadline <= heap[child].deadline, "entry \(child) is before its parent")
    }
  }
}
