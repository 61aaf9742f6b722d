import CLibuv
import Synchronization

/// A thread of its own for a loop, or for other work that blocks. Whoever starts it joins it.
public final class LoopThread: Sendable {
  private let thread: uv_thread_t
  private let isJoined = Atomic(false)

  /// Starts a thread, which begins with `body` and ends with it.
  ///
  /// - Parameters:
  ///   - name: What the system's tools show; its first 15 bytes.
  ///   - body: What it does; what it captures belongs to the thread from here on.
  /// - Throws: When the system has no thread to give.
  public init(name: String, _ body: sending @escaping () -> Void) throws(EventLoopError) {
    let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    var thread = uv_thread_t()
    let code = uv_thread_create(&thread, runThread, start.toOpaque())
    if code != 0 {
      start.release()
      throw EventLoopError("start thread \(name)", code: code)
    }
    self.thread = thread
  }

  deinit {
    precondition(isJoined.load(ordering: .acquiring), "a thread was started and never joined")
  }

  /// Waits until the thread has ended. From any other thread.
  ///
  /// - Precondition: Is called once.
  public func join() {
    precondition(!isJoined.exchange(true, ordering: .acquiringAndReleasing), "a thread is joined once")
    var thread = thread
    let code = uv_thread_join(&thread)
    precondition(code == 0, "joining a thread failed with \(errorName(code))")
  }
}

private final class ThreadStart {
  let name: String
  let body: () -> Void

  init(name: String, body: @escaping () -> Void) {
    self.name = name
    self.body = body
  }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) {
  let start = Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
  SystemCalls.nameThread(start.name)
  start.body()
}
