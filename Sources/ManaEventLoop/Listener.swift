import CLibuv

/// A socket that listens on one loop and deals what it accepts to one or several.
///
/// It watches the descriptor and accepts by itself instead of leaving that to libuv, because a descriptor that no
/// handle has seen can be handed to another thread.
struct ListenerState {
  let loop: LoopPointer
  let descriptor: Int32
  let address: ListenAddress
  /// Whether the file of a Unix socket is removed in the end; one that somebody else has made stays.
  let ownsFile: Bool
  /// The loops that take turns; empty if this loop takes all.
  let inlets: [Inlet]
  /// This loop's own inlet, so that its share needs no mailbox.
  let ownInlet: Inlet
  let poll: UnsafeMutablePointer<uv_poll_t>
  /// What the connections are encrypted with; nil in the clear.
  let tls: TLSContext?
  /// Given up to be able to accept, and so to close, when no descriptor is left: the peer learns at once that it is
  /// turned away, and the listener does not spin on a connection it cannot take.
  var reserve: Int32
  var nextInlet = 0
  var pause: Timer?
}

typealias ListenerPointer = UnsafeMutablePointer<ListenerState>

extension EventLoop {
  /// Listens on an address and accepts connections, on the loop's thread or before it runs.
  ///
  /// A Unix socket is open to its owner only (mode 0600). A socket file that a dead server has left behind is replaced;
  /// one where somebody listens is an error. The file is removed when listening ends.
  ///
  /// - Parameters:
  ///   - address: Port 0 lets the system choose. A host name is looked up, which may block; IPv4 is preferred.
  ///   - backlog: How many connections may wait to be accepted; the system caps it.
  ///   - inlets: The loops that take turns in serving the connections, this one among them if it is to; empty for
  ///     this one alone.
  ///   - tls: What the connections are encrypted with; nil leaves them in the clear.
  /// - Returns: The address that is bound, numeric and with its real port.
  /// - Throws: What the system refused, on which address, and what may help.
  @discardableResult
  public func listen(
    on address: ListenAddress, backlog: Int = 1024, dealingTo inlets: [Inlet] = [], tls: TLSContext? = nil
  ) throws(EventLoopError) -> ListenAddress {
    precondition(!state.pointee.isStopping, "a loop that has stopped cannot listen")
    precondition(backlog > 0)
    let (descriptor, bound) = try ListeningSocket.open(address, backlog: Int32(clamping: backlog))
    try watch(descriptor, bound, ownsFile: true, dealingTo: inlets, tls: tls)
    return bound
  }

  /// The same on a socket that listens already. What waits to be accepted when listening ends, waits for whoever has the
  /// socket then.
  ///
  /// - Throws: What the system refused; the socket is closed then.
  public func listen(
    on socket: InheritedSocket, dealingTo inlets: [Inlet] = [], tls: TLSContext? = nil
  ) throws(EventLoopError) {
    precondition(!state.pointee.isStopping, "a loop that has stopped cannot listen")
    try watch(socket.descriptor, socket.address, ownsFile: false, dealingTo: inlets, tls: tls)
  }

  private func watch(
    _ descriptor: Int32, _ address: ListenAddress, ownsFile: Bool, dealingTo inlets: [Inlet], tls: TLSContext?
  ) throws(EventLoopError) {
    let poll = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
    let code = uv_poll_init(state.pointee.loop, poll, descriptor)
    if code != 0 {
      poll.deallocate()
      if ownsFile, case .unix(let path) = address { _ = SystemCalls.remove(path) }
      SystemCalls.close(descriptor)
      throw EventLoopError("listen", code: code, address: address)
    }
    let listener = ListenerPointer.allocate(capacity: 1)
    listener.initialize(
      to: ListenerState(
        loop: state, descriptor: descriptor, address: address, ownsFile: ownsFile, inlets: inlets, ownInlet: inlet,
        poll: poll, tls: tls, reserve: SystemCalls.openReserve()))
    poll.pointee.data = UnsafeMutableRawPointer(listener)
    state.pointee.listeners.append(listener)
    listener.watch()
  }

  /// Ends listening on all addresses, and removes the socket files. Connections that were accepted stay.
  public func stopListening() {
    let listeners = state.pointee.listeners
    state.pointee.listeners = []
    for listener in listeners { listener.close() }
  }
}

extension UnsafeMutablePointer<ListenerState> {
  fileprivate func watch() {
    let status = uv_poll_start(pointee.poll, Int32(UV_READABLE.rawValue), acceptConnections)
    precondition(status == 0, "watching a listening socket failed with \(errorName(status))")
  }

  fileprivate func acceptWaiting() {
    for _ in 0..<Limits.acceptsPerTurn {
      let descriptor = SystemCalls.accept(pointee.descriptor)
      if descriptor >= 0 {
        deal(AcceptedSocket(owning: descriptor, tls: pointee.tls))
        continue
      }
      switch -descriptor {
      case UV_EAGAIN.number: return
      case UV_EMFILE.number, UV_ENFILE.number, UV_ENOBUFS.number, UV_ENOMEM.number:
        shedWaiting()
        return rest()
      default:
        // The connection failed before it was accepted, which on Linux is reported here; the next may be fine.
        continue
      }
    }
  }

  /// Gives a connection to the loop whose turn it is. Loops that have stopped are passed over; when none takes it, it
  /// is closed.
  private func deal(_ socket: consuming AcceptedSocket) {
    if pointee.inlets.isEmpty { return pointee.loop.adoptOrShed(socket) }
    let inlet = pointee.inlets[pointee.nextInlet]
    pointee.nextInlet = (pointee.nextInlet + 1) % pointee.inlets.count
    if inlet.isSame(as: pointee.ownInlet) {
      pointee.loop.adoptOrShed(socket)
    } else if !inlet.hand(socket) {
      pointee.loop.pointee.counters.shed &+= 1
    }
  }

  /// Turns away who waits, with the help of the descriptor kept for that.
  private func shedWaiting() {
    if pointee.reserve < 0 { return }
    SystemCalls.close(pointee.reserve)
    for _ in 0..<Limits.acceptsPerTurn {
      let descriptor = SystemCalls.accept(pointee.descriptor)
      if descriptor < 0 { break }
      SystemCalls.close(descriptor)
      pointee.loop.pointee.counters.shed &+= 1
    }
    pointee.reserve = SystemCalls.openReserve()
  }

  /// Does not accept for a while: what is missing does not come back by trying.
  private func rest() {
    uv_poll_stop(pointee.poll)
    pointee.pause = Timer.start(
      on: pointee.loop, milliseconds: Limits.acceptPauseMilliseconds, repeating: 0
    ) { [self] in
      pointee.pause = nil
      if pointee.reserve < 0 { pointee.reserve = SystemCalls.openReserve() }
      watch()
    }
  }

  fileprivate func close() {
    pointee.pause?.cancel()
    pointee.pause = nil
    // Removed first: once the descriptor is closed, another server may have bound the path.
    if pointee.ownsFile, case .unix(let path) = pointee.address { _ = SystemCalls.remove(path) }
    pointee.poll.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeHandle) }
    // libuv has stopped watching, and never closes a descriptor that it polls for somebody.
    SystemCalls.close(pointee.descriptor)
    if pointee.reserve >= 0 { SystemCalls.close(pointee.reserve) }
    deinitialize(count: 1)
    deallocate()
  }
}

extension uv_errno_t {
  /// The `errno` that this libuv status negates.
  fileprivate var number: Int32 { -rawValue }
}

private func acceptConnections(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
  // An error of the poll itself, such as POLLERR, shows in accept.
  handle!.pointee.data.assumingMemoryBound(to: ListenerState.self).acceptWaiting()
}
