import COpenSSL

extension UnsafeMutablePointer<ConnectionState> {
  // MARK: Input

  /// Takes note of ciphertext that libuv has put into the loop's scratch memory.
  func tookCiphertext(_ tls: TLSPointer, _ count: Int) {
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(pointee.loop.pointee.scratch)[..<count])
    pointee.hasMoved = true
    touch()
    if !tls.pointee.hasBegun {
      guard bytes[0] == Self.handshakeRecord else { return continueInTheClear(tls, bytes) }
      tls.pointee.hasBegun = true
    }
    tls.pointee.arrived = bytes
    ERR_clear_error()
    if !tls.pointee.isEstablished { shakeHands(tls) }
    if tls.pointee.isEstablished { decrypt(tls) }
    tls.pointee.arrived = UnsafeRawBufferPointer(start: nil, count: 0)
    if unreadBytes >= pointee.inputBytesMax { updateReading() }
  }

  /// The type of the record that a ClientHello arrives in.
  private static var handshakeRecord: UInt8 { 0x16 }

  /// The caller speaks no TLS. The connection goes on without, and `isEncrypted` says so: what to answer is the
  /// server's to know.
  private func continueInTheClear(_ tls: TLSPointer, _ bytes: UnsafeRawBufferPointer) {
    releasePlaintext(tls)
    tls.free()
    pointee.tls = nil
    let buffer = plaintextRoom(bytes.count)
    (buffer.payload + buffer.pointee.end).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    tookPlaintext(buffer, bytes.count)
  }

  private func shakeHands(_ tls: TLSPointer) {
    let status = SSL_do_handshake(tls.pointee.session)
    if status == 1 {
      tls.pointee.isEstablished = true
      tls.pointee.identities = certificateNames(of: tls.pointee.session)
    } else if SSL_get_error(tls.pointee.session, status) != SSL_ERROR_WANT_READ {
      failTLS(tls)
    }
  }

  private func decrypt(_ tls: TLSPointer) {
    while true {
      let buffer = plaintextRoom(1)
      var count = 0
      let status = SSL_read_ex(tls.pointee.session, buffer.payload + buffer.pointee.end, buffer.room, &count)
      if status == 1 {
        tookPlaintext(buffer, count)
        continue
      }
      switch SSL_get_error(tls.pointee.session, status) {
      case SSL_ERROR_WANT_READ: return
      case SSL_ERROR_ZERO_RETURN:
        // A close_notify: the end of what the peer has to say, which is what a FIN says in the clear.
        pointee.phase = .peerEnded
        updateReading()
        return
      default: return failTLS(tls)
      }
    }
  }

  private func tookPlaintext(_ buffer: BufferPointer, _ count: Int) {
    buffer.pointee.end += count
    pointee.receivedThisTurn += count
    raise(.received)
  }

  /// Where libuv puts ciphertext: the loop's scratch memory. When the connections of this loop hold too much already, no
  /// more than what surely fits into the input buffer once it is decrypted, with the rest of a record that OpenSSL holds.
  func ciphertextRoom() -> UnsafeMutableRawBufferPointer {
    let scratch = pointee.loop.pointee.scratch
    if pointee.loop.pointee.pool.takenBytes <= pointee.loop.pointee.options.bufferBytesMax { return scratch }
    // The second class is the smallest that holds a record.
    let capacity = max(pointee.input?.pointee.capacity ?? 0, Limits.bufferBytes[1])
    let fitting = capacity - unreadBytes - Limits.recordBytesMax
    return UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(max(fitting, 0), scratch.count)])
  }

  /// The input buffer, with room for at least so many bytes. It may go beyond the limit at which reading stops by what
  /// one read brings, since what has arrived must be taken out of OpenSSL.
  private func plaintextRoom(_ bytes: Int) -> BufferPointer {
    if let buffer = preparedInput(bytesMax: pointee.inputBytesMax), buffer.room >= bytes { return buffer }
    guard let buffer = pointee.input else { preconditionFailure("a connection without input was given no buffer") }
    if buffer.pointee.start > 0 { buffer.compact() }
    if buffer.room >= bytes { return buffer }
    let isAtLimit = buffer.count >= pointee.inputBytesMax
    let rest = isAtLimit ? pointee.loop.pointee.scratch.count + Limits.recordBytesMax : Limits.recordBytesMax
    let larger = pointee.loop.pointee.pool.take(buffer.count + max(rest, bytes))
    larger.append(buffer)
    pointee.loop.pointee.pool.give(buffer)
    pointee.input = larger
    return larger
  }

  /// Ends the connection for an error of TLS. OpenSSL has written an alert, which is sent.
  private func failTLS(_ tls: TLSPointer) {
    tls.pointee.hasFailed = true
    let reason = CloseReason.tlsFailed(reason: libraryReason())
    if pointee.phase == .open { beginFlushing(reason: reason) }
  }

  /// The peer's FIN came, and no close_notify before: somebody may have cut off what it had to say.
  func truncated() {
    if pointee.phase >= .closing { return }
    pointee.reason = .truncated
    closeHandle()
  }

  // MARK: Output

  /// Room at the end of the plaintext.
  func reservePlaintext(_ tls: TLSPointer, _ bytes: Int) -> UnsafeMutableRawPointer {
    if let tail = tls.pointee.outputTail, tail.room >= bytes { return tail.payload + tail.pointee.end }
    // The more a turn writes, the fuller the records become.
    let wanted = tls.pointee.outputTail == nil ? bytes : max(bytes, Limits.recordBytesMax)
    let buffer = pointee.loop.pointee.pool.take(wanted)
    if let tail = tls.pointee.outputTail {
      tail.pointee.next = buffer
    } else {
      tls.pointee.outputHead = buffer
    }
    tls.pointee.outputTail = buffer
    touch()
    return buffer.payload
  }

  func commitPlaintext(_ tls: TLSPointer, _ bytes: Int) {
    guard let tail = tls.pointee.outputTail else { return }
    tail.pointee.end += bytes
    tls.pointee.pendingBytes += bytes
  }

  /// Encrypts what was committed into the chain that goes to the socket. Before the handshake is over there is no key:
  /// what was committed waits, or is dropped if the connection ends.
  func seal(_ tls: TLSPointer) {
    guard let head = tls.pointee.outputHead else { return }
    if !tls.pointee.isEstablished, !tls.pointee.hasFailed, pointee.phase == .open { return }
    var cursor: BufferPointer? = head
    while let buffer = cursor, tls.pointee.isEstablished, !tls.pointee.hasFailed {
      cursor = buffer.pointee.next
      if buffer.count == 0 { continue }
      ERR_clear_error()
      var written = 0
      let status = SSL_write_ex(tls.pointee.session, buffer.bytes.baseAddress, buffer.count, &written)
      // Our BIO takes all that it is given, so that nothing is ever written in part.
      if status != 1 { failTLS(tls) }
    }
    releasePlaintext(tls)
  }

  /// Says that no more will come, once.
  func sendCloseNotify(_ tls: TLSPointer) {
    if tls.pointee.hasSentCloseNotify || tls.pointee.hasFailed || !tls.pointee.isEstablished { return }
    tls.pointee.hasSentCloseNotify = true
    ERR_clear_error()
    _ = SSL_shutdown(tls.pointee.session)
  }

  func releasePlaintext(_ tls: TLSPointer) {
    pointee.loop.pointee.pool.give(chain: tls.pointee.outputHead)
    tls.pointee.outputHead = nil
    tls.pointee.outputTail = nil
    tls.pointee.pendingBytes = 0
    pointee.reservedBytes = 0
  }

  /// Appends a record, or a part of one, to the chain that goes to the socket.
  func appendToWire(_ bytes: UnsafeRawBufferPointer) {
    if pointee.phase >= .lingering { return }
    var rest = bytes
    while !rest.isEmpty {
      let tail = wireTail(rest.count)
      let size = min(tail.room, rest.count)
      (tail.payload + tail.pointee.end).copyMemory(from: rest.baseAddress!, byteCount: size)
      tail.pointee.end += size
      pointee.pendingBytes += size
      rest = UnsafeRawBufferPointer(rebasing: rest[size...])
    }
    touch()
  }

  /// The last buffer of the chain, with room.
  private func wireTail(_ bytes: Int) -> BufferPointer {
    if let tail = pointee.outputTail, tail.room > 0 { return tail }
    let buffer = pointee.loop.pointee.pool.take(bytes)
    if let tail = pointee.outputTail {
      tail.pointee.next = buffer
    } else {
      pointee.outputHead = buffer
    }
    pointee.outputTail = buffer
    return buffer
  }
}
