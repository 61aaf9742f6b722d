import CLibuv

extension UnsafeMutablePointer<ConnectionState> {
  /// Room at the end of the pending output. A connection that is closed has room as well: what is committed to it is
  /// dropped, so that the server need not look before each reply.
  func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
    precondition(bytes >= 0, "a negative number of bytes cannot be reserved")
    pointee.reservedBytes = bytes
    if let tls = pointee.tls { return reservePlaintext(tls, bytes) }
    if let tail = pointee.outputTail, tail.room >= bytes { return tail.payload + tail.pointee.end }
    if pointee.phase == .closed {
      // The loop and its pool may be gone.
      freeOutputOfClosed()
      let buffer = BufferPointer.allocate(capacity: bytes, sizeClass: UInt8(Limits.bufferBytes.count))
      pointee.outputHead = buffer
      pointee.outputTail = buffer
      return buffer.payload
    }
    let buffer = pointee.loop.pointee.pool.take(bytes)
    if let tail = pointee.outputTail {
      tail.pointee.next = buffer
    } else {
      pointee.outputHead = buffer
    }
    pointee.outputTail = buffer
    touch()
    return buffer.payload
  }

  func commit(_ bytes: Int) {
    precondition(0 <= bytes && bytes <= pointee.reservedBytes, "more bytes are committed than were reserved")
    pointee.reservedBytes = 0
    guard bytes > 0, acceptsOutput else { return }
    if let tls = pointee.tls {
      commitPlaintext(tls, bytes)
    } else {
      guard let tail = pointee.outputTail else { return }
      tail.pointee.end += bytes
      pointee.pendingBytes += bytes
    }
    noteBacklog()
    touch()
  }

  /// Sends what is pending as far as the kernel takes it, and hands the rest to libuv.
  func flush() {
    guard let stream = pointee.stream, pointee.phase < .lingering, pointee.inFlight == nil else { return }
    if let tls = pointee.tls { seal(tls) }
    while pointee.pendingBytes > 0 {
      let gathered = gatherAndTry(stream)
      if gathered.sent < 0 { return fail(Int32(gathered.sent)) }
      advanceOutput(by: gathered.sent)
      if gathered.sent < gathered.offered {
        queueRest(stream)
        if pointee.phase >= .closing { return }
        break
      }
    }
    if pointee.pendingBytes == 0 { releaseOutput() }
    noteBacklog()
  }

  /// Offers the first buffers of the chain to the kernel in one call.
  private func gatherAndTry(_ stream: UnsafeMutablePointer<uv_stream_t>) -> (offered: Int, sent: Int) {
    withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: Limits.buffersPerWrite) { parts in
      let (count, offered) = gather(into: parts)
      pointee.loop.pointee.counters.writes &+= 1
      let status = uv_try_write(stream, parts.baseAddress, UInt32(count))
      return (offered, status == UV_EAGAIN.rawValue ? 0 : Int(status))
    }
  }

  private func gather(into parts: UnsafeMutableBufferPointer<uv_buf_t>) -> (count: Int, bytes: Int) {
    var count = 0
    var bytes = 0
    var cursor = pointee.outputHead
    while let buffer = cursor, count < parts.count {
      if buffer.count > 0 {
        let base = (buffer.payload + buffer.pointee.start).assumingMemoryBound(to: CChar.self)
        parts.initializeElement(at: count, to: uv_buf_t(base: base, len: buffer.count))
        count += 1
        bytes += buffer.count
      }
      cursor = buffer.pointee.next
    }
    return (count, bytes)
  }

  /// Drops what was sent from the front of the chain.
  private func advanceOutput(by sent: Int) {
    if sent == 0 { return }
    pointee.hasMoved = true
    pointee.pendingBytes -= sent
    pointee.loop.pointee.counters.bytesSent &+= UInt64(sent)
    var rest = sent
    while let head = pointee.outputHead, rest >= head.count {
      // The last buffer is given back when nothing is pending any more.
      guard let next = head.pointee.next else { break }
      rest -= head.count
      pointee.outputHead = next
      pointee.loop.pointee.pool.give(head)
    }
    pointee.outputHead?.pointee.start += rest
  }

  /// Hands the first buffers of the chain over to libuv, which sends them when the socket has room again. They are in
  /// flight until its callback; at most one request is, so that bytes cannot overtake one another.
  private func queueRest(_ stream: UnsafeMutablePointer<uv_stream_t>) {
    guard let first = pointee.outputHead else { return }
    let status = withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: Limits.buffersPerWrite) { parts in
      let (count, bytes) = gather(into: parts)
      first.pointee.request.data = UnsafeMutableRawPointer(self)
      let status = first.withMemoryRebound(to: uv_write_t.self, capacity: 1) {
        uv_write($0, stream, parts.baseAddress, UInt32(count), outputWritten)
      }
      if status == 0 { pointee.pendingBytes -= bytes }
      return status
    }
    if status != 0 { return fail(status) }
    pointee.inFlight = first
    var last = first
    var count = first.count > 0 ? 1 : 0
    while let next = last.pointee.next, count < Limits.buffersPerWrite {
      last = next
      count += last.count > 0 ? 1 : 0
    }
    pointee.outputHead = last.pointee.next
    if pointee.outputHead == nil { pointee.outputTail = nil }
    last.pointee.next = nil
    // What was reserved and not committed was room in a buffer that is gone.
    pointee.reservedBytes = 0
  }

  /// libuv is done with what was in flight.
  fileprivate func written(_ status: Int32) {
    var sent = 0
    var cursor = pointee.inFlight
    while let buffer = cursor {
      sent += buffer.count
      cursor = buffer.pointee.next
    }
    pointee.loop.pointee.pool.give(chain: pointee.inFlight)
    pointee.inFlight = nil
    if pointee.phase >= .closing { return }
    if status != 0 { return fail(status) }
    pointee.loop.pointee.counters.bytesSent &+= UInt64(sent)
    pointee.hasMoved = true
    flush()
    touch()
  }

  /// Raises `drained` when the backlog comes down across the mark.
  private func noteBacklog() {
    let isHigh = backlog >= pointee.loop.pointee.options.outputLowWaterBytes
    if pointee.wasHigh, !isHigh, pointee.phase == .open { raise(.drained) }
    pointee.wasHigh = isHigh
  }

  private func releaseOutput() {
    pointee.loop.pointee.pool.give(chain: pointee.outputHead)
    pointee.outputHead = nil
    pointee.outputTail = nil
    pointee.pendingBytes = 0
    pointee.reservedBytes = 0
  }

  /// Gives all buffers back, when the handle is gone and nothing can be in flight.
  func releaseBuffers() {
    precondition(pointee.inFlight == nil, "libuv closed a handle with a write in flight")
    releaseInput()
    releaseOutput()
    if let tls = pointee.tls {
      releasePlaintext(tls)
      tls.free()
      pointee.tls = nil
    }
  }

  /// Frees what was reserved after the connection was closed.
  func freeOutputOfClosed() {
    precondition(pointee.phase == .closed)
    pointee.outputHead?.free()
    pointee.outputHead = nil
    pointee.outputTail = nil
  }
}

private func outputWritten(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
  request!.pointee.data.assumingMemoryBound(to: ConnectionState.self).written(status)
}
