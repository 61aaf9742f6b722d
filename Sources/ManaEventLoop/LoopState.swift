import CLibuv

/// What a loop is, at an address that libuv's callbacks know.
struct LoopState: ~Copyable {
  let loop: UnsafeMutablePointer<uv_loop_t>
  let options: EventLoop.Options
  /// Looks at deadlines; runs only while there may be some.
  let sweeper: UnsafeMutablePointer<uv_timer_t>
  var nowNanoseconds: UInt64
  var counters = EventLoop.Counters()
  var pool = BufferPool()
  /// Where input goes that nobody wants, and ciphertext until it is decrypted, in the same call.
  let scratch: UnsafeMutableRawBufferPointer

  // All connections, and those that this iteration concerns.
  var firstConnection: ConnectionPointer?
  var connectionCount = 0
  var endingConnections = 0
  var touchedHead: ConnectionPointer?
  var touchedTail: ConnectionPointer?
  /// Something is to be reported: the loop must not wait.
  var hasDueEvents = false
  /// `stop` was called; `run` ends after this turn.
  var isStopping = false
  /// Everything is being closed, and nothing may be opened.
  var isClosing = false

  var listeners: [ListenerPointer] = []
  var timers: [ObjectIdentifier: Timer] = [:]
  var signals: [UnsafeMutablePointer<uv_signal_t>] = []

  init(loop: UnsafeMutablePointer<uv_loop_t>, options: EventLoop.Options) {
    self.loop = loop
    self.options = options
    nowNanoseconds = uv_hrtime()
    sweeper = .allocate(capacity: 1)
    // Cannot fail: it touches memory only.
    uv_timer_init(loop, sweeper)
    scratch = .allocate(byteCount: 64 << 10, alignment: 16)
  }

  deinit {
    scratch.deallocate()
  }
}

typealias LoopPointer = UnsafeMutablePointer<LoopState>

extension UnsafeMutablePointer where Pointee == LoopState {
  func appendTouched(_ connection: ConnectionPointer) {
    if let tail = pointee.touchedTail {
      tail.pointee.nextTouched = connection
    } else {
      pointee.touchedHead = connection
    }
    pointee.touchedTail = connection
  }

  func insert(_ connection: ConnectionPointer) {
    connection.pointee.next = pointee.firstConnection
    pointee.firstConnection?.pointee.previous = connection
    pointee.firstConnection = connection
    pointee.connectionCount += 1
  }

  func remove(_ connection: ConnectionPointer) {
    let (previous, next) = (connection.pointee.previous, connection.pointee.next)
    if let previous { previous.pointee.next = next } else { pointee.firstConnection = next }
    next?.pointee.previous = previous
    connection.pointee.previous = nil
    connection.pointee.next = nil
    pointee.connectionCount -= 1
  }

  /// Tells the delegate what has come to pass, in the order in which the connections were first concerned.
  func report(to delegate: some EventLoopDelegate) {
    pointee.hasDueEvents = false
    var cursor = pointee.touchedHead
    while let connection = cursor {
      let due = connection.pointee.due
      if !due.isEmpty, let facade = connection.pointee.facade {
        connection.pointee.due = []
        facade._withUnsafeGuaranteedRef { shown in
          if due.contains(.accepted) { delegate.accepted(shown) }
          if due.contains(.received) { delegate.received(shown) }
          if due.contains(.drained) { delegate.drained(shown) }
          if due.contains(.closed) { delegate.closed(shown, connection.pointee.reason) }
        }
      }
      cursor = connection.pointee.nextTouched
    }
  }

  /// After the turn: sends what it has committed, gives buffers back, lets go of what has ended.
  func settle() {
    var cursor = pointee.touchedHead
    pointee.touchedHead = nil
    pointee.touchedTail = nil
    while let connection = cursor {
      cursor = connection.pointee.nextTouched
      connection.pointee.nextTouched = nil
      connection.pointee.isTouched = false
      if connection.pointee.phase == .closed, connection.pointee.due.isEmpty {
        connection.pointee.facade?.release()
      } else {
        connection.settle()
      }
    }
  }

  /// Makes sure that deadlines are looked at from now on.
  func startSweeping() {
    let isActive = pointee.sweeper.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_is_active($0) }
    if pointee.isClosing || isActive != 0 { return }
    pointee.sweeper.pointee.data = UnsafeMutableRawPointer(self)
    let interval = Limits.sweepIntervalMilliseconds
    let status = uv_timer_start(pointee.sweeper, sweepConnections, interval, interval)
    precondition(status == 0, "a timer that is not closing was refused")
  }

  /// Ends what has been idle for too long, and what has been ending for too long. O(connections).
  func sweep() {
    let now = pointee.nowNanoseconds
    let idleNanoseconds = pointee.options.idleTimeoutMilliseconds.map { $0 * 1_000_000 }
    if idleNanoseconds == nil && pointee.endingConnections == 0 {
      uv_timer_stop(pointee.sweeper)
      return
    }
    var cursor = pointee.firstConnection
    while let connection = cursor {
      cursor = connection.pointee.next
      switch connection.pointee.phase {
      case .flushing, .lingering:
        if now >= connection.pointee.deadlineNanoseconds { connection.deadlinePassed() }
      case .open:
        // A peer that we do not read is not idle for its own fault, unless it does not take its output either.
        let isWaitedFor = !connection.pointee.isPaused || connection.backlog > 0
        if let idleNanoseconds, isWaitedFor, now >= connection.pointee.lastMovedNanoseconds + idleNanoseconds {
          connection.close(afterFlushing: false, reason: .idle)
        }
      case .peerEnded, .closing, .closed: break
      }
    }
  }

  func checkInvariants() {
    pointee.pool.checkInvariants()
    var count = 0
    var ending = 0
    var previous: ConnectionPointer?
    var cursor = pointee.firstConnection
    while let connection = cursor {
      connection.checkInvariants()
      precondition(connection.pointee.previous == previous)
      count += 1
      if [.flushing, .lingering].contains(connection.pointee.phase) { ending += 1 }
      previous = connection
      cursor = connection.pointee.next
    }
    precondition(count == pointee.connectionCount && ending == pointee.endingConnections)
  }
}

private func sweepConnections(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
  let state = handle!.pointee.data.assumingMemoryBound(to: LoopState.self)
  state.pointee.nowNanoseconds = uv_hrtime()
  state.sweep()
}
