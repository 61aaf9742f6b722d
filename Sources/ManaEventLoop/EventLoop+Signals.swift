import CLibuv

extension EventLoop {
  /// Calls an action on this loop when the process receives a signal, such as SIGTERM; a turn follows it. Until the
  /// loop stops; then the signal does again what it did before.
  ///
  /// - Throws: When the system does not let the signal be watched, as with SIGKILL.
  public func onSignal(_ number: Int32, _ action: @escaping () -> Void) throws(EventLoopError) {
    precondition(!state.pointee.isStopping, "a loop that has stopped cannot watch a signal")
    SystemCalls.unblock(number)
    let handle = UnsafeMutablePointer<uv_signal_t>.allocate(capacity: 1)
    let code = uv_signal_init(state.pointee.loop, handle)
    if code != 0 {
      handle.deallocate()
      throw EventLoopError("watch signal \(number)", code: code)
    }
    handle.pointee.data = Unmanaged.passRetained(SignalAction(loop: state, call: action)).toOpaque()
    let startCode = uv_signal_start(handle, signalCame, number)
    if startCode != 0 {
      handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeSignal) }
      throw EventLoopError("watch signal \(number)", code: startCode)
    }
    state.pointee.signals.append(handle)
  }
}

/// What a signal sets off; owned by the handle until its close callback.
private final class SignalAction {
  let loop: LoopPointer
  let call: () -> Void

  init(loop: LoopPointer, call: @escaping () -> Void) {
    self.loop = loop
    self.call = call
  }
}

private func signalCame(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ number: Int32) {
  let action = Unmanaged<SignalAction>.fromOpaque(handle!.pointee.data).takeUnretainedValue()
  action.loop.pointee.nowNanoseconds = uv_hrtime()
  action.call()
}

func freeSignal(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  Unmanaged<SignalAction>.fromOpaque(handle!.pointee.data).release()
  freeHandle(handle)
}
