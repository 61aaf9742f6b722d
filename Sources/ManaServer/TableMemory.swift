import ManaEventLoop
import Synchronization

/// Has memory touched that a ledger's tables will take next, on a thread of its own, and knows how much is still to come.
///
/// Where the system hands memory out more slowly than tables grow, a table would have its own touched in the middle of a
/// batch, and every connection would wait for that: so batches wait instead, and other requests do not.
final class TableMemory: Sendable {
  private let worker: Worker
  private let onChange: @Sendable () -> Void
  /// Pieces that were submitted and are not touched yet.
  private let pending = Atomic(0)
  /// A batch waits for `isAtHand`.
  private let isWanted = Atomic(false)

  /// Starts the thread; whoever does ends it. `onChange` is called on it when memory is at hand again that was asked for.
  init(shard index: Int, onChange: @escaping @Sendable () -> Void) throws(EventLoopError) {
    worker = try Worker(name: "mana-memory-\(index)")
    self.onChange = onChange
  }

  /// Has one more piece touched, after those before it. Returns at once.
  func submit(_ populate: @escaping @Sendable () -> Void) {
    pending.wrappingAdd(1, ordering: .sequentiallyConsistent)
    worker.submit { [self] in
      populate()
      pending.wrappingSubtract(1, ordering: .sequentiallyConsistent)
      if isWithinMax, isWanted.exchange(false, ordering: .sequentiallyConsistent) { onChange() }
    }
  }

  /// Whether a batch finds memory for its tables. If not, `onChange` is called when it is worth asking again.
  var isAtHand: Bool {
    if isWithinMax { return true }
    isWanted.store(true, ordering: .sequentiallyConsistent)
    // The last piece may have been touched in between, and nobody was told.
    return isWithinMax
  }

  private var isWithinMax: Bool {
    pending.load(ordering: .sequentiallyConsistent) <= ServerLimits.tablePiecesPendingMax
  }

  /// Waits until everything is touched, and ends the thread.
  func end() { worker.end() }
}
