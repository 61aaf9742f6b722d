import ManaEventLoop
import Synchronization

/// Answers `/metrics`, `/healthz` and `/readyz` over HTTP, on a loop and a thread of its own, so that nobody who asks
/// can hold a shard up. One request a connection; the number of connections, a head's size and the time for all of it
/// are bounded.
final class MetricsEndpoint: Sendable {
  /// The address that is bound.
  let address: ListenAddress
  private let thread: LoopThread
  private let waker: Waker
  private let isStopping: Readiness

  /// Listens where the configuration says, and starts the thread; nil where it says nowhere.
  init?(of context: ServerContext) throws(EventLoopError) {
    guard let berth = try ListeningBerth(of: context.configuration) else { return nil }
    self.address = berth.address
    waker = berth.waker
    let isStopping = Readiness()
    self.isStopping = isStopping
    thread = try LoopThread(name: "mana-metrics") {
      let loop = berth.takeLoop()
      let handler = MetricsHandler(loop: loop, context: context, isStopping: isStopping)
      loop.every(milliseconds: 1_000) { handler.endLateConnections() }
      loop.run(delegate: handler)
    }
  }

  /// Ends the thread and waits for that. Once.
  func stop() {
    isStopping.set(true)
    waker.wake()
    thread.join()
  }
}

/// Where a loop that listens already waits for its thread.
private final class ListeningBerth: Sendable {
  let address: ListenAddress
  let waker: Waker
  private let loop: Mutex<EventLoop?>

  init?(of configuration: ServerConfiguration) throws(EventLoopError) {
    var options = EventLoop.Options()
    options.inputBytesMax = MetricsRequest.headBytesMax
    options.flushTimeoutMilliseconds = MetricsHandler.secondsMax * 1_000
    let loop: EventLoop
    if let socket = configuration.inheritedMetricsSocket {
      loop = try EventLoop(options: options)
      try loop.listen(on: socket)
      address = socket.address
    } else if let metrics = configuration.metrics {
      loop = try EventLoop(options: options)
      address = try loop.listen(on: metrics, backlog: MetricsHandler.connectionsMax)
    } else {
      return nil
    }
    waker = loop.waker
    self.loop = Mutex(loop)
  }

  /// Hands the loop to the calling thread; once.
  func takeLoop() -> EventLoop {
    guard let loop = loop.withLock({ $0.take() }) else { preconditionFailure("a loop was taken twice") }
    return loop
  }
}
