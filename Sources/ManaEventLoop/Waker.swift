import CLibuv
import Synchronization

/// Wakes a loop from any thread: its delegate gets a turn soon after.
///
/// Calls that come before the loop has noticed the first of them are one wake-up; none is lost: what a thread wrote
/// before `wake()` is visible in the turn that follows. Waking a loop that has stopped does nothing.
public final class Waker: Sendable {
  /// Whether a wake-up is on its way; spares all but the first caller the lock and the system call.
  private let isPending = Atomic(false)
  /// Nil once the loop has stopped: a handle that is closed must not be touched by a late caller.
  private let handle: Locked<Handle>

  /// Unchecked, because the loop keeps a pointer as well: `uv_async_send` is the one call of libuv that any thread may
  /// make, and the lock keeps it away from the close.
  private struct Handle: @unchecked Sendable {
    var async: UnsafeMutablePointer<uv_async_t>?
  }

  init(_ async: UnsafeMutablePointer<uv_async_t>) {
    handle = Locked(Handle(async: async))
  }

  /// Gives the loop's delegate a turn. Cheap to call often. From any thread, the loop's own included.
  public func wake() {
    if isPending.exchange(true, ordering: .acquiringAndReleasing) { return }
    handle.withLock { handle in
      guard let async = handle.async else { return }
      let status = uv_async_send(async)
      precondition(status == 0, "uv_async_send refused a handle that is open")
    }
  }

  /// The loop's side: from here on a call wakes again. Must come before the turn looks at what it was woken for.
  func acknowledge() {
    _ = isPending.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// The loop's side: takes the handle away from the other threads, to close it.
  func disconnect() {
    handle.withLock { $0.async = nil }
  }
}
