import CLibuv

/// A value that one thread at a time may touch.
///
/// The standard library's `Mutex` would do, but for two things on Linux: its contended path is invisible to the thread
/// sanitizer, which then reports races that are none, and it pays for priority inheritance there.
///
/// Unchecked, because the value is reached through pointers; it is only ever touched with the lock held.
struct Locked<Value: ~Copyable & Sendable>: ~Copyable, @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<uv_mutex_t>
  private let value: UnsafeMutablePointer<Value>

  init(_ initial: consuming Value) {
    mutex = .allocate(capacity: 1)
    let status = uv_mutex_init(mutex)
    precondition(status == 0, "making a mutex failed with \(errorName(status))")
    value = .allocate(capacity: 1)
    value.initialize(to: initial)
  }

  /// Gives the value to `body`, which must be short and must not take this lock again.
  borrowing func withLock<Result: ~Copyable>(_ body: (inout Value) -> Result) -> Result {
    uv_mutex_lock(mutex)
    defer { uv_mutex_unlock(mutex) }
    return body(&value.pointee)
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
    uv_mutex_destroy(mutex)
    mutex.deallocate()
  }
}
