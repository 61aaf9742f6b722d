internal import NIOCore

/// Runs tasks on an event loop, between its reads and its writes.
///
/// SwiftNIO's event loops are executors of actors, and not yet of tasks. Once the loop has shut down nothing runs there
/// any more, as with an actor on it.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
