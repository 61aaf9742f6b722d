import Synchronization

/// A queue from many threads to one loop, which is woken once for all messages it has not yet taken.
///
/// It does not bound itself: who sends knows what may wait, and `count` says how much does. Messages of one sender
/// arrive in the order in which it sent them. They may be noncopyable.
public final class Mailbox<Message: ~Copyable & Sendable>: Sendable {
  private let queue = Locked(Queue())
  private let waiting = Atomic(0)
  private let waker: Waker

  private struct Queue: ~Copyable, Sendable {
    var messages = MessageList<Message>()
    /// What the last drain emptied, kept for its storage.
    var spare = MessageList<Message>()
    var isClosed = false
  }

  /// - Parameter waker: The waker of the loop that drains.
  public init(waker: Waker) {
    self.waker = waker
  }

  /// How many messages wait; a snapshot, without taking the lock.
  public var count: Int { waiting.load(ordering: .acquiring) }

  /// Sends a message and wakes the loop if it is the first that waits. From any thread. O(1) amortized.
  ///
  /// - Returns: False if the mailbox is closed; the message is then destroyed.
  @discardableResult
  public func send(_ message: consuming sending Message) -> Bool {
    // A closure may run more than once as far as the compiler knows, so that a noncopyable message goes through an
    // optional that is emptied.
    var parcel: Message? = message
    let position: Int? = queue.withLock { queue in
      guard !queue.isClosed, let content = parcel.take() else { return nil }
      queue.messages.append(content)
      return waiting.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    }
    if position == 0 { waker.wake() }
    return position != nil
  }

  /// Takes all messages that wait, in order, with one lock for all. On the loop's thread only.
  ///
  /// Messages sent meanwhile, also by `body`, are left for the next drain, for which the loop is woken.
  public func drain(_ body: (consuming Message) -> Void) {
    if waiting.load(ordering: .acquiring) == 0 { return }
    var batch = queue.withLock { queue in
      waiting.store(0, ordering: .releasing)
      return exchange(&queue.messages, with: exchange(&queue.spare, with: MessageList()))
    }
    batch.removeAll(body)
    // The closure cannot consume what it captures, so that the batch goes back by a swap.
    queue.withLock { queue in swap(&queue.spare, &batch) }
  }

  /// Refuses further messages and destroys those that wait. On the loop's thread only; once it is done with them.
  public func close() {
    let rest = queue.withLock { queue in
      queue.isClosed = true
      waiting.store(0, ordering: .releasing)
      return exchange(&queue.messages, with: MessageList())
    }
    _ = consume rest
  }
}

/// A growable list of messages that may be noncopyable, which `Array` does not hold.
struct MessageList<Message: ~Copyable>: ~Copyable {
  private var storage: UnsafeMutableBufferPointer<Message>
  private(set) var count = 0

  init() {
    storage = UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  /// O(1) amortized.
  mutating func append(_ message: consuming Message) {
    if count == storage.count { grow() }
    storage.initializeElement(at: count, to: message)
    count += 1
  }

  /// Hands each message over, first to last, and keeps the storage. O(count).
  mutating func removeAll(_ body: (consuming Message) -> Void) {
    let total = count
    count = 0
    for index in 0..<total { body(storage.moveElement(from: index)) }
  }

  private mutating func grow() {
    let larger = UnsafeMutableBufferPointer<Message>.allocate(capacity: max(16, storage.count * 2))
    if count > 0 {
      _ = larger.moveInitialize(fromContentsOf: storage.extracting(0..<count))
    }
    storage.deallocate()
    storage = larger
  }

  deinit {
    if count > 0 { storage.extracting(0..<count).deinitialize() }
    storage.deallocate()
  }
}

// The storage is owned by the list alone, so that a list whose messages may change threads may do so itself.
extension MessageList: @unchecked Sendable where Message: Sendable & ~Copyable {}
