import CLibuv
import ManaTesting

/// What stands behind a libuv handle here.
final class Handle {
  enum Kind {
    case async, timer, stream, poll, signal
  }

  let kind: Kind
  let address: UnsafeMutableRawPointer
  let loop: Loop
  var isActive = false
  var isClosing = false
  var closed: uv_close_cb?

  // A wake-up.
  var asyncCallback: uv_async_cb?
  var isPending = false
  // A timer, in nanoseconds.
  var timerCallback: uv_timer_cb?
  var due: UInt64 = 0
  var interval: UInt64 = 0
  // A stream, or a socket that listens.
  var descriptor: Int32 = -1
  var allocate: uv_alloc_cb?
  var read: uv_read_cb?
  var write: PendingWrite?
  var pollCallback: uv_poll_cb?

  init(_ kind: Kind, _ address: UnsafeMutableRawPointer, _ loop: Loop) {
    self.kind = kind
    self.address = address
    self.loop = loop
    loop.handles.append(self)
    Handle.all[address] = self
  }

  /// By the address of the libuv handle.
  nonisolated(unsafe) static var all: [UnsafeMutableRawPointer: Handle] = [:]

  static func at(_ address: UnsafeMutableRawPointer?) -> Handle { all[address!]! }
}

/// A `uv_write` that the peer has not taken yet.
struct PendingWrite {
  let request: UnsafeMutablePointer<uv_write_t>
  let callback: uv_write_cb?
  var rest: [UnsafeRawBufferPointer]

  var bytes: Int { rest.reduce(0) { $0 + $1.count } }
}

/// What stands behind a libuv loop here.
final class Loop {
  /// In the order in which they were made.
  var handles: [Handle] = []

  nonisolated(unsafe) static var all: [UnsafeMutableRawPointer: Loop] = [:]

  static func at(_ address: UnsafeMutableRawPointer?) -> Loop { all[address!]! }

  /// When the next timer is due.
  var nextTimer: UInt64? {
    handles.lazy.filter { $0.kind == .timer && $0.isActive && !$0.isClosing }.map(\.due).min()
  }

  /// One iteration, in libuv's order: timers, wake-ups and sockets, then what is being closed.
  func iterate() {
    runTimers()
    for handle in handles where !handle.isClosing {
      switch handle.kind {
      case .async:
        guard handle.isPending else { continue }
        handle.isPending = false
        handle.asyncCallback?(handle.address.assumingMemoryBound(to: uv_async_t.self))
      case .poll:
        guard handle.isActive, !machine.backlog.isEmpty else { continue }
        handle.pollCallback?(
          handle.address.assumingMemoryBound(to: uv_poll_t.self), 0, Int32(UV_READABLE.rawValue))
      case .stream: handle.moveBytes()
      case .timer, .signal: continue
      }
    }
    finishClosing()
  }

  private func runTimers() {
    let due = handles.filter { $0.kind == .timer && $0.isActive && $0.due <= machine.clock }.sorted { $0.due < $1.due }
    for timer in due where timer.isActive && !timer.isClosing {
      if timer.interval > 0 { timer.due = machine.clock + timer.interval } else { timer.isActive = false }
      timer.timerCallback?(timer.address.assumingMemoryBound(to: uv_timer_t.self))
    }
  }

  func finishClosing() {
    while let place = handles.firstIndex(where: \.isClosing) {
      let handle = handles.remove(at: place)
      Handle.all[handle.address] = nil
      if let write = handle.write { write.callback?(write.request, UV_ECANCELED.rawValue) }
      handle.write = nil
      handle.closed?(handle.address.assumingMemoryBound(to: uv_handle_t.self))
    }
  }
}

extension Handle {
  /// Writes what waits, then reads what has arrived.
  fileprivate func moveBytes() {
    continueWriting()
    guard !isClosing, isActive, let link = machine.link(of: descriptor) else { return }
    let stream = address.assumingMemoryBound(to: uv_stream_t.self)
    var room = uv_buf_t()
    if link.isCut {
      isActive = false
      read?(stream, Int(UV_ECONNRESET.rawValue), &room)
    } else if link.toServer.arrived > 0 {
      allocate?(address.assumingMemoryBound(to: uv_handle_t.self), 64 << 10, &room)
      let count = link.toServer.take(
        into: UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(room.base), count: room.len))
      read?(stream, count > 0 ? count : Int(UV_ENOBUFS.rawValue), &room)
    } else if link.toServer.endArrived {
      isActive = false
      read?(stream, Int(UV_EOF.rawValue), &room)
    }
  }

  private func continueWriting() {
    guard var pending = write else { return }
    guard let link = machine.link(of: descriptor), !link.isCut, !link.isClientGone else {
      write = nil
      pending.callback?(pending.request, UV_EPIPE.rawValue)
      return
    }
    while let first = pending.rest.first {
      let count = link.toClient.send(first)
      if count == first.count {
        pending.rest.removeFirst()
      } else {
        pending.rest[0] = UnsafeRawBufferPointer(rebasing: first[count...])
        break
      }
    }
    write = pending
    if pending.rest.isEmpty {
      write = nil
      pending.callback?(pending.request, 0)
    }
  }
}
