import CLibuv
import Synchronization

/// A thread that does one thing after the other, beside a loop that must not wait for them.
public final class Worker: Sendable {
  private let queue: WorkQueue
  private let thread: LoopThread

  /// Starts the thread; whoever does ends it.
  ///
  /// - Parameters:
  ///   - name: What the system's tools show; its first 15 bytes.
  ///   - isInBackground: Gives way to other threads where processors are scarce.
  /// - Throws: When the system has no thread to give.
  public init(name: String, isInBackground: Bool = false) throws(EventLoopError) {
    let queue = try WorkQueue()
    self.queue = queue
    thread = try LoopThread(name: name) {
      if isInBackground { SystemCalls.giveWay() }
      queue.run()
    }
  }

  /// Has something done after what was submitted before. Returns at once.
  public func submit(_ work: @escaping @Sendable () -> Void) { queue.append(work) }

  /// Waits until what was submitted is done, and ends the thread.
  ///
  /// - Precondition: Is called once.
  public func end() {
    queue.end()
    thread.join()
  }
}

/// Unchecked, because the semaphore is reached through a pointer; libuv's semaphores are for any thread.
private final class WorkQueue: @unchecked Sendable {
  private let works = Mutex<[@Sendable () -> Void]>([])
  /// Posted once for each work, and once more for the end.
  private let posted = UnsafeMutablePointer<uv_sem_t>.allocate(capacity: 1)

  init() throws(EventLoopError) {
    let code = uv_sem_init(posted, 0)
    if code != 0 {
      posted.deallocate()
      throw EventLoopError("make a semaphore", code: code)
    }
  }

  deinit {
    uv_sem_destroy(posted)
    posted.deallocate()
  }

  func append(_ work: @escaping @Sendable () -> Void) {
    works.withLock { $0.append(work) }
    uv_sem_post(posted)
  }

  func end() { uv_sem_post(posted) }

  func run() {
    while let work = next() { work() }
  }

  /// Waits for the next work; nil at the end.
  private func next() -> (@Sendable () -> Void)? {
    uv_sem_wait(posted)
    return works.withLock { $0.isEmpty ? nil : $0.removeFirst() }
  }
}
