import CLibuv

/// One libuv loop: listeners, connections, timers and signals on one thread.
///
/// All of it is used by one thread at a time; from others only what is `Sendable`: `waker`, `inlet`, a `Mailbox`.
/// A loop runs once. Its delegate's `turn` does the work; libuv's callbacks only collect.
public final class EventLoop {
  /// What can be set about a loop. The defaults suit a server of small frames.
  public struct Options: Sendable {
    /// The largest unread input of a connection, in bytes; reading stops there until some is consumed.
    public var inputBytesMax = Limits.inputBytesMax
    /// The backlog in bytes below which a connection that was above is reported as drained.
    public var outputLowWaterBytes = Limits.outputLowWaterBytes
    /// How long a connection may be without a byte moved either way; nil for ever. Coarse: a quarter of a second.
    public var idleTimeoutMilliseconds: UInt64?
    /// Past this many bytes of buffers in use by all connections together, none gets a larger buffer for its input: it is
    /// read no further until its input is consumed or others give theirs back.
    public var bufferBytesMax = Int.max
    /// How long closing after flushing may take.
    public var flushTimeoutMilliseconds = Limits.flushTimeoutMilliseconds

    public init() {}
  }

  /// What a loop has done so far.
  public struct Counters: Sendable, Equatable {
    /// Iterations, which is turns.
    public var turns: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    /// System calls that wrote to connections, without those that libuv made for a backlog.
    public var writes: UInt64 = 0
    /// Connections accepted here or taken over.
    public var adopted: UInt64 = 0
    /// The longest turn: from the end of a wait until what the turn has committed is offered to the sockets, by the wall
    /// clock. The system calls that read belong to the wait.
    public var longestTurnNanoseconds: UInt64 = 0
    /// Connections turned away because the process had no descriptor or memory left for them.
    public var shed: UInt64 = 0
  }

  let state: LoopPointer
  private let async: UnsafeMutablePointer<uv_async_t>
  private var isClosed = false

  /// Wakes this loop from any thread.
  public let waker: Waker
  /// Hands connections over to this loop from any thread.
  public let inlet: Inlet

  /// - Throws: When the process has no descriptors or memory left.
  public init(options: Options = Options()) throws(EventLoopError) {
    precondition(options.inputBytesMax > 0 && options.outputLowWaterBytes > 0)
    SystemCalls.ignoreBrokenPipeSignal()
    let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    let code = uv_loop_init(loop)
    if code != 0 {
      loop.deallocate()
      throw EventLoopError("make an event loop", code: code)
    }
    let wake = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
    let wakeCode = uv_async_init(loop, wake, wakeUp)
    if wakeCode != 0 {
      wake.deallocate()
      uv_loop_close(loop)
      loop.deallocate()
      throw EventLoopError("make an event loop", code: wakeCode)
    }
    async = wake
    waker = Waker(wake)
    inlet = Inlet(waker: waker)
    wake.pointee.data = Unmanaged.passUnretained(waker).toOpaque()
    state = .allocate(capacity: 1)
    state.initialize(to: LoopState(loop: loop, options: options))
    if options.idleTimeoutMilliseconds != nil { state.startSweeping() }
  }

  deinit {
    if !isClosed { shutDown(reportingTo: NoDelegate()) }
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Serves until `stop()`, on the calling thread. Returns when all connections and handles are closed.
  ///
  /// - Precondition: Has not run before.
  public func run(delegate: some EventLoopDelegate) {
    precondition(!isClosed, "an event loop runs once")
    while !state.pointee.isStopping { iterate(delegate) }
    shutDown(reportingTo: delegate)
  }

  /// One iteration of `run`, for a simulation that says when each comes. False when that was the last, after which
  /// everything is closed.
  package func step(delegate: some EventLoopDelegate) -> Bool {
    precondition(!isClosed, "an event loop runs once")
    iterate(delegate)
    if state.pointee.isStopping { shutDown(reportingTo: delegate) }
    return !isClosed
  }

  @inline(__always)
  private func iterate(_ delegate: some EventLoopDelegate) {
    uv_run(state.pointee.loop, state.pointee.hasDueEvents ? UV_RUN_NOWAIT : UV_RUN_ONCE)
    state.pointee.nowNanoseconds = uv_hrtime()
    takeOver()
    state.report(to: delegate)
    state.pointee.counters.turns &+= 1
    delegate.turn()
    state.settle()
    let turn = uv_hrtime() &- state.pointee.nowNanoseconds
    state.pointee.counters.longestTurnNanoseconds = max(state.pointee.counters.longestTurnNanoseconds, turn)
  }

  /// Ends `run`: what this turn has committed is offered to the sockets once more, then everything is closed. On the
  /// loop's thread. Whoever wants connections to end gently closes them after flushing, and stops when they are gone.
  public func stop() {
    state.pointee.isStopping = true
  }

  /// The monotonic clock in nanoseconds, read once an iteration.
  public var nowNanoseconds: UInt64 { state.pointee.nowNanoseconds }

  /// Connections that have a socket still, those that are being closed gently among them.
  public var activeConnections: Int { state.pointee.connectionCount }

  public var counters: Counters { state.pointee.counters }

  /// Bytes of the buffers that connections hold, for unread input and unsent output.
  public var bufferBytes: Int { state.pointee.pool.takenBytes }

  /// Closes everything there is, until nothing new has come up meanwhile.
  private func shutDown(reportingTo delegate: some EventLoopDelegate) {
    state.pointee.isStopping = true
    state.pointee.isClosing = true
    waker.disconnect()
    inlet.close()
    async.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeHandle) }
    state.pointee.sweeper.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeHandle) }
    repeat {
      stopListening()
      for timer in state.pointee.timers.values { timer.cancel() }
      for signal in state.pointee.signals {
        signal.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeSignal) }
      }
      state.pointee.signals = []
      var cursor = state.pointee.firstConnection
      while let connection = cursor {
        cursor = connection.pointee.next
        connection.close(afterFlushing: false, reason: .closedByUs)
      }
      uv_run(state.pointee.loop, UV_RUN_DEFAULT)
      state.report(to: delegate)
      state.settle()
    } while uv_loop_alive(state.pointee.loop) != 0 || state.pointee.hasDueEvents
    let status = uv_loop_close(state.pointee.loop)
    precondition(status == 0, "the loop was closed with handles open")
    state.pointee.loop.deallocate()
    isClosed = true
  }
}

/// Hears about the end of connections of a loop that never ran.
private final class NoDelegate: EventLoopDelegate {
  func accepted(_ connection: Connection) {}
  func received(_ connection: Connection) {}
  func closed(_ connection: Connection, _ reason: CloseReason) {}
  func drained(_ connection: Connection) {}
  func turn() {}
}

private func wakeUp(_ handle: UnsafeMutablePointer<uv_async_t>?) {
  Unmanaged<Waker>.fromOpaque(handle!.pointee.data).takeUnretainedValue().acknowledge()
}

/// The close callback of handles that own nothing but their memory.
func freeHandle(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  UnsafeMutableRawPointer(handle!).deallocate()
}
