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
    /// Replies can be released, which leave first, or the turn has done enough.
    case yields
  }

  /// A frame that lies whole in the input, with its body's checksum compared.
  struct Request {
    let header: FrameHeader
    let opcode: Opcode
    /// What stands between the header's 32 bytes and the body.
    let extensions: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer
    let arrival: UInt64
  }

  /// Executes complete frames of the session's input until there is none left or something has to be waited for.
  func run(_ session: Session) -> Step {
    ahead.begin()
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
      ahead.look(at: input, ledger)
      guard execute(header, at: base, of: session) else {
        return session.stage == .closing ? .closed : .waitsForRoom
      }
      session.connection.consume(header.length)
      session.requestedAt = loop.nowNanoseconds
      session.arrivals.consume(header.length)
      ahead.consume(header.length)
      journal.submitAhead(digest: ledger.digest, timestamp: now)
      if journal.hasCompletions || hasDoneEnough { return .yields }
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
        header: header, opcode: opcode, extensions: header.extensions(at: base), body: body,
        arrival: session.arrivals.arrival(ofBytes: header.length))
      try admit(request, of: session)
      let isTaken = try opcode.isPosting ? post(request, of: session) : read(request, of: session)
      if isTaken { metrics.requests.add(Int(header.opcode)) }
      return isTaken
    } catch {
      auditRefusal(of: header, header.extensions(at: base), session, error)
      reply(to: header, of: session, error: error)
      return true
    }
  }

  /// What can be refused before a request is executed, whatever it asks.
  private func admit(_ request: Request, of session: Session) throws(ProtocolError) {
    if isDraining { throw ProtocolError(.shuttingDown, "this server is shutting down; send the request again") }
    let microseconds = UInt64(request.header.microseconds)
    let waited = loop.nowNanoseconds &- request.arrival
    guard microseconds == 0 || waited <= microseconds * 1_000 else {
      throw ProtocolError(.deadlineExceeded, "the deadline passed before the request was executed")
    }
    try checkRole(request.opcode, of: session)
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
    send(errorHeader(to: request, error), with: ErrorBody(error).encoded, to: session)
  }

  /// The header of the reply to a request that was refused as a whole.
  func errorHeader(to request: FrameHeader, _ error: ProtocolError) -> FrameHeader {
    metrics.refusals.add(Int(error.status.rawValue))
    return replyHeader(
      to: request, status: error.status, flags: refusalFlags(error),
      microseconds: retryMicroseconds(error))
  }

  private func retryMicroseconds(_ error: ProtocolError) -> UInt32 {
    error.status.isRetryable ? error.retryMicroseconds ?? ServerLimits.retryAfterMicroseconds : 0
  }

  private func refusalFlags(_ error: ProtocolError) -> FrameHeader.Flags {
    error.status.isRetryable ? [.notExecuted, .retryable] : [.notExecuted]
  }

  /// Tells the client why the connection ends, and ends it once that is sent.
  func refuseConnection(_ session: Session, _ error: ProtocolError) {
    auditRefusal(of: session, error.status.name, reason: error.message)
    end(session, error, "connection refused", at: .info)
  }

  /// The same where nobody is refused anything, so that it is not recorded.
  func endConnection(_ session: Session, _ error: ProtocolError) {
    end(session, error, "connection ended", at: .debug)
  }

  private func end(_ session: Session, _ error: ProtocolError, _ event: Logger.Message, at level: Logger.Level) {
    if session.stage == .handshake {
      session.connection.commitOutput(copying: FrameHeader.preface)
    }
    metrics.connectionsEnded.add(Int(error.status.rawValue))
    sendGoAway(to: session, error)
    session.stage = .closing
    session.connection.close(afterFlushing: true)
    logger.log(
      level: level, event,
      metadata: ["peer": "\(session.connection.peer)", "status": "\(error.status.name)", "reason": "\(error.message)"])
  }

  /// Writes a `goAway` frame.
  func sendGoAway(to session: Session, _ error: ProtocolError) {
    let header = FrameHeader(
      opcode: Opcode.goAway.rawValue, correlation: 0, flags: refusalFlags(error), status: error.status,
      microseconds: retryMicroseconds(error))
    send(header, with: ErrorBody(error).encoded, to: session)
  }

  /// Writes a frame whose body is at hand as bytes.
  func send(_ header: FrameHeader, with body: UnsafeRawBufferPointer, to session: Session) {
    send(header, bodyBytes: body.count, to: session) { target in
      if let base = body.baseAddress { target.copyMemory(from: base, byteCount: body.count) }
    }
  }

  /// The same for an array.
  func send(_ header: FrameHeader, with body: [UInt8], to session: Session) {
    body.withUnsafeBytes { send(header, with: $0, to: session) }
  }
}
