// libuv, as far as `ManaEventLoop` calls it, for the simulated machine. The linker finds these functions here before it
// looks into the library. What only computes (names of errors, sizes of handles, mutexes) stays the library's own.
//
// The contract is libuv's: callbacks come from `uv_run` alone, a handle's memory is its owner's again in its close
// callback, a write that was cut short by closing ends with `UV_ECANCELED` before that.

public import CLibuv
import Glibc
import ManaTesting

// MARK: Loops

@_cdecl("uv_loop_init")
public func simulatedLoopInit(_ loop: UnsafeMutablePointer<uv_loop_t>) -> Int32 {
  Loop.all[loop] = Loop()
  return 0
}

@_cdecl("uv_loop_close")
public func simulatedLoopClose(_ loop: UnsafeMutablePointer<uv_loop_t>) -> Int32 {
  guard Loop.at(loop).handles.isEmpty else { return UV_EBUSY.rawValue }
  Loop.all[loop] = nil
  return 0
}

@_cdecl("uv_loop_alive")
public func simulatedLoopAlive(_ loop: UnsafePointer<uv_loop_t>) -> Int32 {
  Loop.at(UnsafeMutableRawPointer(mutating: loop)).handles.isEmpty ? 0 : 1
}

@_cdecl("uv_run")
public func simulatedRun(_ loop: UnsafeMutablePointer<uv_loop_t>, _ mode: uv_run_mode) -> Int32 {
  let loop = Loop.at(loop)
  if mode == UV_RUN_DEFAULT {
    // A loop runs to its end only when everything in it is being closed.
    repeat { loop.finishClosing() } while loop.handles.contains { $0.isClosing }
  } else {
    loop.iterate()
  }
  return loop.handles.isEmpty ? 0 : 1
}

@_cdecl("uv_hrtime")
public func simulatedTime() -> UInt64 { machine.clock }

@_cdecl("uv_update_time")
public func simulatedUpdateTime(_ loop: UnsafeMutablePointer<uv_loop_t>) {}

@_cdecl("uv_close")
public func simulatedClose(_ handle: UnsafeMutablePointer<uv_handle_t>, _ closed: uv_close_cb?) {
  let closing = Handle.at(handle)
  precondition(!closing.isClosing, "a handle is closed twice")
  closing.isClosing = true
  closing.isActive = false
  closing.closed = closed
  guard closing.kind == .stream, closing.descriptor >= 0 else { return }
  machine.link(of: closing.descriptor)?.toClient.end()
  machine.forget(closing.descriptor)
  _ = close(closing.descriptor)
}

@_cdecl("uv_is_active")
public func simulatedIsActive(_ handle: UnsafePointer<uv_handle_t>) -> Int32 {
  Handle.at(UnsafeMutableRawPointer(mutating: handle)).isActive ? 1 : 0
}

@_cdecl("uv_fileno")
public func simulatedDescriptor(
  _ handle: UnsafePointer<uv_handle_t>, _ descriptor: UnsafeMutablePointer<uv_os_fd_t>
) -> Int32 {
  descriptor.pointee = Handle.at(UnsafeMutableRawPointer(mutating: handle)).descriptor
  return 0
}

// MARK: Wake-ups, timers, signals

@_cdecl("uv_async_init")
public func simulatedAsyncInit(
  _ loop: UnsafeMutablePointer<uv_loop_t>, _ async: UnsafeMutablePointer<uv_async_t>, _ callback: uv_async_cb?
) -> Int32 {
  let handle = Handle(.async, async, Loop.at(loop))
  handle.asyncCallback = callback
  return 0
}

@_cdecl("uv_async_send")
public func simulatedAsyncSend(_ async: UnsafeMutablePointer<uv_async_t>) -> Int32 {
  Handle.at(async).isPending = true
  return 0
}

@_cdecl("uv_timer_init")
public func simulatedTimerInit(
  _ loop: UnsafeMutablePointer<uv_loop_t>, _ timer: UnsafeMutablePointer<uv_timer_t>
) -> Int32 {
  _ = Handle(.timer, timer, Loop.at(loop))
  return 0
}

@_cdecl("uv_timer_start")
public func simulatedTimerStart(
  _ timer: UnsafeMutablePointer<uv_timer_t>, _ callback: uv_timer_cb?, _ milliseconds: UInt64, _ interval: UInt64
) -> Int32 {
  let handle = Handle.at(timer)
  handle.timerCallback = callback
  handle.due = machine.clock + milliseconds * 1_000_000
  handle.interval = interval * 1_000_000
  handle.isActive = true
  return 0
}

@_cdecl("uv_timer_stop")
public func simulatedTimerStop(_ timer: UnsafeMutablePointer<uv_timer_t>) -> Int32 {
  Handle.at(timer).isActive = false
  return 0
}

@_cdecl("uv_signal_init")
public func simulatedSignalInit(
  _ loop: UnsafeMutablePointer<uv_loop_t>, _ signal: UnsafeMutablePointer<uv_signal_t>
) -> Int32 {
  _ = Handle(.signal, signal, Loop.at(loop))
  return 0
}

@_cdecl("uv_signal_start")
public func simulatedSignalStart(
  _ signal: UnsafeMutablePointer<uv_signal_t>, _ callback: uv_signal_cb?, _ number: Int32
) -> Int32 { 0 }

// MARK: Sockets

@_cdecl("uv_poll_init")
public func simulatedPollInit(
  _ loop: UnsafeMutablePointer<uv_loop_t>, _ poll: UnsafeMutablePointer<uv_poll_t>, _ descriptor: Int32
) -> Int32 {
  let handle = Handle(.poll, poll, Loop.at(loop))
  handle.descriptor = descriptor
  return 0
}

@_cdecl("uv_poll_start")
public func simulatedPollStart(
  _ poll: UnsafeMutablePointer<uv_poll_t>, _ events: Int32, _ callback: uv_poll_cb?
) -> Int32 {
  let handle = Handle.at(poll)
  handle.pollCallback = callback
  handle.isActive = true
  return 0
}

@_cdecl("uv_poll_stop")
public func simulatedPollStop(_ poll: UnsafeMutablePointer<uv_poll_t>) -> Int32 {
  Handle.at(poll).isActive = false
  return 0
}

@_cdecl("uv_tcp_init")
public func simulatedStreamInit(
  _ loop: UnsafeMutablePointer<uv_loop_t>, _ stream: UnsafeMutablePointer<uv_tcp_t>
) -> Int32 {
  _ = Handle(.stream, stream, Loop.at(loop))
  return 0
}

@_cdecl("uv_tcp_open")
public func simulatedStreamOpen(_ stream: UnsafeMutablePointer<uv_tcp_t>, _ descriptor: uv_os_sock_t) -> Int32 {
  Handle.at(stream).descriptor = descriptor
  return 0
}

@_cdecl("uv_read_start")
public func simulatedReadStart(
  _ stream: UnsafeMutablePointer<uv_stream_t>, _ allocate: uv_alloc_cb?, _ read: uv_read_cb?
) -> Int32 {
  let handle = Handle.at(stream)
  if handle.isClosing { return UV_EINVAL.rawValue }
  handle.allocate = allocate
  handle.read = read
  handle.isActive = true
  return 0
}

@_cdecl("uv_read_stop")
public func simulatedReadStop(_ stream: UnsafeMutablePointer<uv_stream_t>) -> Int32 {
  Handle.at(stream).isActive = false
  return 0
}

@_cdecl("uv_try_write")
public func simulatedTryWrite(
  _ stream: UnsafeMutablePointer<uv_stream_t>, _ parts: UnsafePointer<uv_buf_t>, _ count: UInt32
) -> Int32 {
  let handle = Handle.at(stream)
  guard handle.write == nil else { return UV_EAGAIN.rawValue }
  guard let link = machine.link(of: handle.descriptor), !link.isCut, !link.isClientGone else {
    return UV_EPIPE.rawValue
  }
  var sent = 0
  for part in UnsafeBufferPointer(start: parts, count: Int(count)) {
    let taken = link.toClient.send(part.bytes)
    sent += taken
    if taken < part.len { break }
  }
  return sent > 0 ? Int32(sent) : UV_EAGAIN.rawValue
}

@_cdecl("uv_write")
public func simulatedWrite(
  _ request: UnsafeMutablePointer<uv_write_t>, _ stream: UnsafeMutablePointer<uv_stream_t>,
  _ parts: UnsafePointer<uv_buf_t>, _ count: UInt32, _ callback: uv_write_cb?
) -> Int32 {
  let handle = Handle.at(stream)
  precondition(handle.write == nil, "one write is in flight at a time")
  let rest = UnsafeBufferPointer(start: parts, count: Int(count)).map(\.bytes)
  handle.write = PendingWrite(request: request, callback: callback, rest: rest.filter { !$0.isEmpty })
  return 0
}

@_cdecl("uv_stream_get_write_queue_size")
public func simulatedQueueSize(_ stream: UnsafePointer<uv_stream_t>) -> Int {
  Handle.at(UnsafeMutableRawPointer(mutating: stream)).write?.bytes ?? 0
}

extension uv_buf_t {
  fileprivate var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: len) }
}
