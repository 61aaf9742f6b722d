internal import NIOCore

/// Calls that wait for room on a connection, first in, first out, bounded in number and bytes.
struct WaitingCalls {
  private var queue = CircularBuffer<PendingCall>()
  /// Calls that have not ended.
  private(set) var count = 0
  /// Bytes of their frames.
  private(set) var bytes = 0
  let callsMax: Int
  let bytesMax: Int

  init(callsMax: Int, bytesMax: Int) {
    self.callsMax = callsMax
    self.bytesMax = bytesMax
  }

  var isEmpty: Bool { count == 0 }

  /// False when there is no room. Amortized constant time.
  mutating func append(_ call: PendingCall) -> Bool {
    guard count < callsMax, bytes + call.frameBytes <= bytesMax else { return false }
    // Ended calls stay in the middle of the queue until it is swept, so that ending one takes no search.
    if queue.count > 2 * count + ClientLimits.staleDeadlinesMin { queue.removeAll { $0.hasEnded } }
    queue.append(call)
    count += 1
    bytes += call.frameBytes
    return true
  }

  /// The call whose turn it is. Amortized constant time.
  mutating func first() -> PendingCall? {
    while let call = queue.first {
      if !call.hasEnded { return call }
      queue.removeFirst()
    }
    return nil
  }

  /// Takes out the call that `first` has given.
  mutating func removeFirst() { left(queue.removeFirst()) }

  /// Tells that a call of the queue is about to end or to be sent.
  mutating func left(_ call: PendingCall) {
    count -= 1
    bytes -= call.frameBytes
  }

  /// Takes out every call. Linear.
  mutating func removeAll() -> [PendingCall] {
    let calls = queue.filter { !$0.hasEnded } as [PendingCall]
    queue.removeAll()
    (count, bytes) = (0, 0)
    return calls
  }
}
