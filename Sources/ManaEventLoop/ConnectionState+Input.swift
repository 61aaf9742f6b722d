import CLibuv

extension UnsafeMutablePointer<ConnectionState> {
  var unreadBytes: Int { pointee.input?.count ?? 0 }

  /// Starts or stops reading, whichever the state calls for.
  func updateReading() {
    guard let stream = pointee.stream else { return }
    let isFull = unreadBytes >= pointee.inputBytesMax
    let wanted =
      switch pointee.phase {
      case .open: !pointee.isPaused && !isFull
      case .lingering: true
      case .peerEnded, .flushing, .closing, .closed: false
      }
    if wanted == pointee.isReading { return }
    pointee.isReading = wanted
    if wanted {
      let status = uv_read_start(stream, provideRoom, takeInput)
      if status != 0 { fail(status) }
    } else {
      uv_read_stop(stream)
    }
  }

  /// Where the next bytes go: all the free room of the buffer, which is first made large enough.
  fileprivate func inputRoom() -> UnsafeMutableRawBufferPointer {
    if pointee.phase == .lingering { return pointee.loop.pointee.scratch }
    if pointee.tls != nil { return ciphertextRoom() }
    guard let buffer = preparedInput(bytesMax: pointee.inputBytesMax) else {
      return UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    let room = min(buffer.room, pointee.inputBytesMax - buffer.count)
    return UnsafeMutableRawBufferPointer(start: buffer.payload + buffer.pointee.end, count: room)
  }

  /// The input buffer, with as much room as is wanted now. Nil when a larger buffer is due and the connections of this
  /// loop hold too much already.
  func preparedInput(bytesMax: Int) -> BufferPointer? {
    let isLoopFull = pointee.loop.pointee.pool.takenBytes > pointee.loop.pointee.options.bufferBytesMax
    guard let buffer = pointee.input else {
      let bytes = isLoopFull ? 0 : min(max(pointee.expectedBytes, pointee.receivedPeak), bytesMax)
      let buffer = pointee.loop.pointee.pool.take(bytes)
      pointee.input = buffer
      return buffer
    }
    let unread = buffer.count
    if unread == 0 { buffer.compact() }
    // An announced frame is what is needed; without one, some room behind what is there.
    let needed = min(max(pointee.expectedBytes, unread + Limits.inputRoomBytesMin), bytesMax)
    if buffer.pointee.start + needed <= buffer.pointee.capacity { return buffer }
    // Moving the bytes is cheap while they are few, and right when the rest of a frame fits in behind them. Otherwise
    // the peer sends more at once than this buffer holds, and a larger one is due if there is one.
    let capacity = buffer.pointee.capacity
    let suffices = unread <= capacity / 2 || unread < pointee.expectedBytes || capacity >= bytesMax
    if needed <= capacity, suffices {
      buffer.compact()
      return buffer
    }
    if isLoopFull {
      if buffer.pointee.start > 0 { buffer.compact() }
      return buffer.room > 0 ? buffer : nil
    }
    let larger = pointee.loop.pointee.pool.take(max(needed, min(bytesMax, capacity + 1)))
    larger.append(buffer)
    pointee.loop.pointee.pool.give(buffer)
    pointee.input = larger
    return larger
  }

  /// Takes note of bytes that libuv has put where `inputRoom` said, or of the end.
  fileprivate func took(_ status: Int) {
    if status > 0 {
      pointee.loop.pointee.counters.bytesReceived &+= UInt64(status)
      if pointee.phase == .lingering { return }
      if let tls = pointee.tls { return tookCiphertext(tls, status) }
      guard let input = pointee.input else { preconditionFailure("input arrived without a buffer") }
      input.pointee.end += status
      pointee.receivedThisTurn += status
      pointee.hasMoved = true
      raise(.received)
      if unreadBytes >= pointee.inputBytesMax { updateReading() }
      return
    }
    // Zero says that nothing was there after all, which is no event; settling takes the buffer back.
    // That no room was given is none either: the turn that follows makes some.
    if status == 0 || status == Int(UV_ENOBUFS.rawValue) { return touch() }
    if pointee.phase == .lingering { return closeHandle() }
    if status == Int(UV_EOF.rawValue) {
      if pointee.tls != nil { return truncated() }
      pointee.phase = .peerEnded
      updateReading()
      touch()
    } else {
      fail(Int32(status))
    }
  }

  func consume(_ count: Int) {
    guard count > 0 else { return precondition(count == 0, "a negative number of bytes cannot be consumed") }
    guard let input = pointee.input else { preconditionFailure("more bytes are consumed than are unread") }
    precondition(count <= input.count, "more bytes are consumed than are unread")
    input.pointee.start += count
    pointee.expectedBytes = 0
    if pointee.phase < .closed { touch() }
  }

  /// Between turns a connection holds a buffer only if bytes are unread, and a small one if they are few.
  func settleInput() {
    let peak = pointee.receivedPeak
    if pointee.receivedThisTurn > 0 {
      pointee.receivedPeak = max(pointee.receivedThisTurn, peak - peak / 8)
      pointee.receivedThisTurn = 0
    }
    if let input = pointee.input {
      let unread = input.count
      let smallest = Limits.bufferBytes[0]
      if unread == 0 {
        releaseInput()
      } else if unread <= smallest, pointee.expectedBytes <= smallest, input.pointee.sizeClass > 0 {
        let smaller = pointee.loop.pointee.pool.take(unread)
        smaller.append(input)
        releaseInput()
        pointee.input = smaller
      }
    }
    updateReading()
  }

  func releaseInput() {
    guard let input = pointee.input else { return }
    pointee.input = nil
    pointee.loop.pointee.pool.give(input)
  }
}

/// libuv asks where to put what it is about to read.
private func provideRoom(
  _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggested: Int, _ room: UnsafeMutablePointer<uv_buf_t>?
) {
  let bytes = handle!.pointee.data.assumingMemoryBound(to: ConnectionState.self).inputRoom()
  room!.pointee.base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
  room!.pointee.len = bytes.count
}

/// libuv has read, or found out why it cannot.
private func takeInput(
  _ stream: UnsafeMutablePointer<uv_stream_t>?, _ status: Int, _ room: UnsafePointer<uv_buf_t>?
) {
  stream!.pointee.data.assumingMemoryBound(to: ConnectionState.self).took(status)
}
