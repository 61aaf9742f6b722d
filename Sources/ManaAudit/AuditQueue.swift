import Glibc

/// What waits to be written into an audit log. Its room is bounded, and divided: entries about refusals, of which a hostile
/// caller can cause any number, have half of it and are counted when they find none; what must be recorded asks for its
/// place before it happens.
///
/// Unchecked, because the state is reached through pointers; it is only ever touched with the lock held.
final class AuditQueue: @unchecked Sendable {
  private struct State {
    var entries: [AuditEntry] = []
    var reserved = 0
    var dropped: UInt64 = 0
    var isStopping = false
  }

  /// Entries, and places that are asked for.
  let capacity: Int
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let state: UnsafeMutablePointer<State>

  init(capacity: Int) {
    self.capacity = capacity
    state = .allocate(capacity: 1)
    state.initialize(to: State())
    var attributes = pthread_condattr_t()
    let results = [
      pthread_mutex_init(mutex, nil), pthread_condattr_init(&attributes),
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), pthread_cond_init(condition, &attributes),
      pthread_condattr_destroy(&attributes),
    ]
    precondition(results.allSatisfy { $0 == 0 }, "the system has no memory for a lock")
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    state.deinitialize(count: 1)
    state.deallocate()
    condition.deallocate()
    mutex.deallocate()
  }

  // MARK: Those who record

  /// Asks for the place of an entry. False: there is none.
  func reserve() -> Bool {
    withLock { state in
      guard state.entries.count + state.reserved < capacity else { return false }
      state.reserved += 1
      return true
    }
  }

  /// Gives back a place for which nothing happened.
  func release() {
    withLock { state in
      precondition(state.reserved > 0, "a place that was not asked for")
      state.reserved -= 1
    }
  }

  /// Puts an entry into the place that was asked for.
  func fill(_ entry: AuditEntry) {
    withLock { state in
      precondition(state.reserved > 0, "a place that was not asked for")
      state.reserved -= 1
      state.entries.append(entry)
    }
    pthread_cond_signal(condition)
  }

  /// Takes an entry whatever room there is: those of the server itself, which are few.
  func put(_ entry: AuditEntry) {
    withLock { $0.entries.append(entry) }
    pthread_cond_signal(condition)
  }

  /// Takes an entry, or counts it where there is no room for it.
  func offer(_ entry: AuditEntry) {
    withLock { state in
      guard state.entries.count + state.reserved < capacity / 2 else {
        state.dropped += 1
        return
      }
      state.entries.append(entry)
    }
    pthread_cond_signal(condition)
  }

  func stop() {
    withLock { $0.isStopping = true }
    pthread_cond_signal(condition)
  }

  // MARK: The one who writes

  /// Waits for something to write. The entries stay where they are until they are `written`. Nil: it is the end.
  func next() -> (entries: [AuditEntry], dropped: UInt64)? {
    withLock { state in
      while state.entries.isEmpty, state.dropped == 0, !state.isStopping { pthread_cond_wait(condition, mutex) }
      return state.entries.isEmpty && state.dropped == 0 ? nil : (state.entries, state.dropped)
    }
  }

  func written(_ count: Int, dropped: UInt64) {
    withLock { state in
      state.entries.removeFirst(count)
      state.dropped -= dropped
    }
  }

  /// Waits a second, or until the end. False: it is the end.
  func waitToRetry() -> Bool {
    withLock { state in
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      time.tv_sec += 1
      while !state.isStopping {
        guard pthread_cond_timedwait(condition, mutex, &time) == 0 else { return !state.isStopping }
      }
      return false
    }
  }

  private func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state.pointee)
  }
}
