import CLibuv

/// A timer of a loop, used on that loop's thread. The loop keeps it alive until it has fired or was cancelled.
public final class Timer {
  /// Nil once cancelled, or fired for the only time.
  private var handle: UnsafeMutablePointer<uv_timer_t>?
  private let loop: LoopPointer
  private let repeats: Bool
  private var action: (() -> Void)?

  static func start(
    on loop: LoopPointer, milliseconds: UInt64, repeating interval: UInt64, _ action: @escaping () -> Void
  ) -> Timer {
    let timer = Timer(loop: loop, repeats: interval > 0, action: action)
    // While a loop shuts down, nothing is to happen later.
    if loop.pointee.isClosing { return timer }
    let handle = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
    uv_timer_init(loop.pointee.loop, handle)
    handle.pointee.data = Unmanaged.passUnretained(timer).toOpaque()
    // libuv counts from its own cached time, which is as old as the turn is long.
    uv_update_time(loop.pointee.loop)
    let status = uv_timer_start(handle, timerFired, milliseconds, interval)
    precondition(status == 0, "a timer that is not closing was refused")
    timer.handle = handle
    loop.pointee.timers[ObjectIdentifier(timer)] = timer
    return timer
  }

  private init(loop: LoopPointer, repeats: Bool, action: @escaping () -> Void) {
    self.loop = loop
    self.repeats = repeats
    self.action = action
  }

  deinit {
    precondition(handle == nil, "a timer was released before its handle was closed")
  }

  /// Whether it may still fire.
  public var isActive: Bool { handle != nil }

  /// The action is not called any more. Further calls do nothing.
  public func cancel() {
    guard let handle else { return }
    self.handle = nil
    action = nil
    handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, freeHandle) }
    loop.pointee.timers[ObjectIdentifier(self)] = nil
  }

  fileprivate func fire() {
    loop.pointee.nowNanoseconds = uv_hrtime()
    let action = action
    if !repeats { cancel() }
    action?()
  }
}

extension EventLoop {
  /// Calls an action once, after at least so many milliseconds; a turn follows it.
  @discardableResult
  public func after(milliseconds: UInt64, _ action: @escaping () -> Void) -> Timer {
    Timer.start(on: state, milliseconds: milliseconds, repeating: 0, action)
  }

  /// Calls an action again and again; a turn follows each call. A loop that is late skips what it has missed.
  ///
  /// - Precondition: The interval is not 0.
  @discardableResult
  public func every(milliseconds: UInt64, _ action: @escaping () -> Void) -> Timer {
    precondition(milliseconds > 0, "a timer without an interval would never let the loop rest")
    return Timer.start(on: state, milliseconds: milliseconds, repeating: milliseconds, action)
  }
}

private func timerFired(_ handle: UnsafeMutablePointer<uv_timer_t>?) {
  Unmanaged<Timer>.fromOpaque(handle!.pointee.data).takeUnretainedValue().fire()
}
