import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// Taking frames out of a connection's input, checking them, and sending each to where it is executed.
extension Shard {
  /// Why a session's turn ended.
  enum Step {
    case needsInput
    case waitsForRoom
    case waitsForCapacity
    case closed
  }

  /// A frame that lies whole in the input, with its body's checksum compared.
  struct Request {
    let header: FrameHeader
    let opcode: Opcode
    let body: UnsafeRawBufferPointer
    let arrival: UInt64
  }

  /// Executes complete frames of the session's input until there is none left or something has to be waited for.
  func run(_ session: Session) -> Step {
    while true {
      if session.stage == .handshake {
        guard let step = shakeHands(session) else { continue }
        return step
      }
      let input = session.connection.input
      guard input.count >= FrameHeader.bytes, let base = input.baseAddress else { return .needsInput }
      guard session.hasCapacity else { return .waitsForCapacity }
      let header: FrameHeader
      do throws(ProtocolError) {
        header = try FrameHeader(reading: base)
      } catch {
        refuseConnection(session, error)
        return .closed
      }
      guard input.count >= header.length else {
        session.connection.expect(header.length)
        return .needsInput
      }
      guard execute(header, at: base, of: session) else {
        return session.stage == .closing ? .closed : .waitsForRoom
      }
      session.connection.consume(header.length)
      session.arrivals.consume(header.length)
      journal.submitAhead(digest: ledger.digest, timestamp: now)
    }
  }

  /// Checks and executes the frame at `base`. False when it has to wait for room in the journal, or the connection has
  /// to end; then the frame stays in the input.
  private func execute(_ header: FrameHeader, at base: UnsafeRawPointer, of session: Session) -> Bool {
    do throws(ProtocolError) {
      let body = try header.body(at: base)
      try header.checkRequestReserved()
      guard let opcode = Opcode(rawValue: header.opcode), opcode != .welcome, opcode != .goAway else {
        throw ProtocolError(.unknownOpcode, "opcode \(header.opcode) is not known here")
      }
      if opcode == .hello {
        refuseConnection(session, ProtocolError(.unexpectedHello, "a second hello"))
        return false
      }
      let request = Request(
        header: header, opcode: opcode, body: body, arrival: session.arrivals.arrival(ofBytes: header.length))
      try admit(request)
      return try opcode.isPosting ? post(request, of: session) : read(request, of: session)
    } catch {
      reply(to: header, of: session, error: error)
      return true
    }
  }

  /// What can be refused before a request is executed, whatever it asks.
  private func admit(_ request: Request) throws(ProtocolError) {
    if isDraining { throw ProtocolError(.shuttingDown, "this server is shutting down; send the request again") }
    let microseconds = UInt64(request.header.microseconds)
    let waited = loop.nowNanoseconds &- request.arrival
    guard microseconds == 0 || waited <= microseconds * 1_000 else {
      throw ProtocolError(.deadlineExceeded, "the deadline passed before the request was executed")
    }
  }

  // MARK: Replies

  /// Writes a reply that waits for nothing.
  func send(_ header: FrameHeader, bodyBytes: Int, to session: Session, body: (UnsafeMutableRawPointer) -> Void) {
    let frame = session.connection.reserveOutput(FrameHeader.bytes + bodyBytes)
    body(frame + FrameHeader.bytes)
    FrameHeader.seal(frame, header, bodyBytes: bodyBytes)
    session.connection.commitOutput(FrameHeader.bytes + bodyBytes)
  }

  /// The header of the reply to a request.
  func replyHeader(
    to request: FrameHeader, status: Status = .ok, flags: FrameHeader.Flags = [], microseconds: UInt32 = 0
  ) -> FrameHeader {
    FrameHeader(
      opcode: request.opcode | Opcode.replyBit, correlation: request.correlation, flags: flags, status: status,
      microseconds: microseconds)
  }

  /// Answers a request that was refused as a whole; nothing of it was executed.
  func reply(to request: FrameHeader, of session: Session, error: ProtocolError) {
    send(
      errorHeader(to: request, error),
      with: ErrorBody(detail: UInt32(clamping: error.detail), text: error.message).encoded, to: session)
  }

  /// The header of the reply to a request that was refused as a whole.
  func errorHeader(to request: FrameHeader, _ error: ProtocolError) -> FrameHeader {
    let flags: FrameHeader.Flags = error.status.isRetryable ? [.notExecuted, .retryable] : [.notExecuted]
    return replyHeader(
      to: request, status: error.status, flags: flags,
      microseconds: error.status.isRetryable ? ServerLimits.retryAfterMicroseconds : 0)
  }

  /// Tells the client why the connection ends, and ends it once that is sent.
  func refuseConnection(_ session: Session, _ error: ProtocolError) {
    if session.stage == .handshake {
      session.connection.commitOutput(copying: FrameHeader.preface)
    }
    sendGoAway(to: session, error)
    session.stage = .closing
    session.connection.close(afterFlushing: true)
    logger.debug(
      "connection refused",
      metadata: ["peer": "\(session.connection.peer)", "status": "\(error.status.name)", "reason": "\(error.message)"])
  }

  /// Writes a `goAway` frame.
  func sendGoAway(to session: Session, _ error: ProtocolError) {
    let header = FrameHeader(
      opcode: Opcode.goAway.rawValue, correlation: 0,
      flags: error.status.isRetryable ? [.notExecuted, .retryable] : [.notExecuted], status: error.status)
    send(header, with: ErrorBody(detail: UInt32(clamping: error.detail), text: error.message).encoded, to: session)
  }

  /// Writes a frame whose body is at hand as bytes.
  func send(_ header: FrameHeader, with body: [UInt8], to session: Session) {
    send(header, bodyBytes: body.count, to: session) { target in
      body.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    }
  }
}
