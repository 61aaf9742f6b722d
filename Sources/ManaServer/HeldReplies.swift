/// Replies of one connection that are written but may not leave yet: each waits for the journal block that makes what it
/// says durable.
///
/// One region of bytes, appended at the end and released from the front, because blocks become durable in order.
/// Appending and releasing are constant time apart from the copy.
struct HeldReplies: ~Copyable {
  /// One reply: where it ends, and the block that it waits for.
  private struct Entry {
    let end: Int
    let block: UInt64
    let requestBytes: Int
    let arrival: UInt64
  }

  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var head = 0
  private var tail = 0
  private var entries: [Entry] = []
  private var firstEntry = 0

  /// Bytes of memory that are kept for replies, whether any wait or not.
  var storageBytes: Int { capacity }
  /// Bytes that wait.
  var bytes: Int { tail - head }
  var isEmpty: Bool { firstEntry == entries.count }
  /// Entries that are kept, those of released replies among them: at most twice as many as wait.
  var entryCount: Int { entries.count }

  init() {}

  deinit { base?.deallocate() }

  /// Room for `count` bytes behind what is held. Valid until the next call; nothing is held before `commit`.
  mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
    if tail + count > capacity { makeRoom(count) }
    return base! + tail
  }

  /// Holds the `count` bytes that were written to the reserved room until `block` is durable. `arrival` is when the
  /// request came, for whoever releases it.
  mutating func commit(_ count: Int, block: UInt64, requestBytes: Int, arrival: UInt64 = 0) {
    tail += count
    entries.append(Entry(end: tail, block: block, requestBytes: requestBytes, arrival: arrival))
  }

  /// Hands over everything that waits for nothing beyond `durable`: the bytes go to `send`, the arrival of each request
  /// to `answered`, and the number of replies and the size of their requests are returned.
  mutating func release(
    upTo durable: UInt64, send: (UnsafeRawBufferPointer) -> Void, answered: (UInt64) -> Void = { _ in }
  ) -> (replies: Int, requestBytes: Int) {
    var end = head
    var replies = 0
    var requestBytes = 0
    while firstEntry < entries.count, entries[firstEntry].block <= durable {
      end = entries[firstEntry].end
      requestBytes += entries[firstEntry].requestBytes
      replies += 1
      answered(entries[firstEntry].arrival)
      firstEntry += 1
    }
    guard replies > 0 else { return (0, 0) }
    send(UnsafeRawBufferPointer(start: base! + head, count: end - head))
    head = end
    if firstEntry == entries.count {
      reset()
    } else if firstEntry >= entries.count - firstEntry {
      // A busy caller has always something in flight, so that no end comes at which all could go.
      entries.removeFirst(firstEntry)
      firstEntry = 0
    }
    return (replies, requestBytes)
  }

  /// Gives the memory back when nothing waits.
  mutating func shrink() {
    guard isEmpty else { return }
    base?.deallocate()
    base = nil
    capacity = 0
  }

  private mutating func reset() {
    entries.removeAll(keepingCapacity: true)
    firstEntry = 0
    head = 0
    tail = 0
    if capacity > ServerLimits.heldBytesKept { shrink() }
  }

  private mutating func makeRoom(_ count: Int) {
    let used = tail - head
    var target = max(capacity, ServerLimits.heldBytesInitial)
    while target < used + count { target *= 2 }
    // Where more than half is in use, what is moved to the front would soon have to be moved again.
    if target == capacity, used > capacity / 2, target < ServerLimits.heldBytesKept { target *= 2 }
    if target == capacity {
      base!.copyMemory(from: base! + head, byteCount: used)
    } else {
      let grown = UnsafeMutableRawPointer.allocate(byteCount: target, alignment: 64)
      if let base {
        grown.copyMemory(from: base + head, byteCount: used)
        base.deallocate()
      }
      base = grown
      capacity = target
    }
    for index in firstEntry..<entries.count {
      entries[index] = Entry(
        end: entries[index].end - head, block: entries[index].block, requestBytes: entries[index].requestBytes,
        arrival: entries[index].arrival)
    }
    tail = used
    head = 0
  }
}
