import CLibuv

extension UnsafeMutablePointer<ConnectionState> {
  func close(afterFlushing: Bool, reason: CloseReason) {
    if pointee.phase >= .closing { return }
    if afterFlushing {
      if pointee.phase == .open { beginFlushing(reason: reason) }
      touch()
    } else {
      if pointee.phase == .open { pointee.reason = reason }
      closeHandle()
    }
  }

  /// The connection is broken.
  func fail(_ code: Int32) {
    if pointee.phase >= .closing { return }
    pointee.reason = .failed(name: errorName(code))
    closeHandle()
  }

  /// Output ends with what is pending.
  func beginFlushing(reason: CloseReason) {
    pointee.phase = .flushing
    pointee.reason = reason
    pointee.deadlineNanoseconds =
      pointee.loop.pointee.nowNanoseconds + pointee.loop.pointee.options.flushTimeoutMilliseconds * 1_000_000
    pointee.loop.pointee.endingConnections += 1
    pointee.loop.startSweeping()
    updateReading()
  }

  /// All was sent: says so to the peer and waits for its end, unless that has come.
  func finishFlushing() {
    guard pointee.pendingBytes == 0, pointee.inFlight == nil else { return }
    if let tls = pointee.tls {
      sendCloseNotify(tls)
      flush()
      guard pointee.phase == .flushing, pointee.pendingBytes == 0, pointee.inFlight == nil else { return }
    }
    guard pointee.reason != .peerClosed, let stream = pointee.stream else { return closeHandle() }
    var descriptor: Int32 = -1
    let status = stream.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_fileno($0, &descriptor) }
    guard status == 0, SystemCalls.shutdownOutput(descriptor) == 0 else { return closeHandle() }
    pointee.phase = .lingering
    releaseInput()
    updateReading()
  }

  /// The peer took too long to take its output, or to close.
  func deadlinePassed() {
    if pointee.phase == .flushing { pointee.reason = .flushTimedOut }
    closeHandle()
  }

  func closeHandle() {
    guard pointee.phase < .closing, let stream = pointee.stream else { return }
    if pointee.phase == .flushing || pointee.phase == .lingering { pointee.loop.pointee.endingConnections -= 1 }
    pointee.phase = .closing
    pointee.isReading = false
    stream.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, connectionClosed) }
  }

  /// libuv has let go of the handle.
  fileprivate func handleClosed() {
    pointee.stream = nil
    pointee.phase = .closed
    releaseBuffers()
    pointee.loop.remove(self)
    raise(.closed)
  }
}

private func connectionClosed(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  handle!.pointee.data.assumingMemoryBound(to: ConnectionState.self).handleClosed()
  UnsafeMutableRawPointer(handle!).deallocate()
}
