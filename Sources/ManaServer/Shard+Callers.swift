import ManaAccess
import ManaEventLoop
import ManaProtocol

/// The limits of connections: how many a caller has, how fast it asks, and how long it may say nothing.
extension Shard {
  /// Goes by what the caller of a session is known as, and counts the session among the connections of that caller.
  ///
  /// - Parameter credential: nil where nobody needs one; the caller is known by its address then.
  func join(_ session: Session, _ credential: Credential?) throws(ProtocolError) {
    let callers = context.callers
    if callers.areLimited {
      let name = credential?.identity ?? session.connection.peerHost
      if session.caller?.name != name {
        guard let caller = callers.enter(name, now: loop.nowNanoseconds) else {
          throw ProtocolError(
            .tooManyConnectionsOfCaller, "\(name) has its \(callers.connectionsMax ?? 0) connections already")
        }
        leave(session)
        session.caller = caller
      }
    }
    if let credential { session.admit(as: credential) }
  }

  /// Takes a session off the connections of its caller.
  func leave(_ session: Session) {
    guard let caller = session.caller else { return }
    context.callers.leave(caller)
    session.caller = nil
  }

  /// Counts `cost` transactions or reads towards the caller's rate. Called once a request, when it is about to be
  /// executed. Throws `rateExceeded`, with the time to wait.
  func takeFromRate(_ cost: Int, of session: Session) throws(ProtocolError) {
    guard let rate = context.callers.rateMax, let caller = session.caller else { return }
    let wait = caller.take(cost, rate: rate, now: loop.nowNanoseconds)
    guard wait > 0 else { return }
    throw ProtocolError(
      .rateExceeded, "\(caller.name) may ask for \(rate) transactions and reads a second",
      retryMicroseconds: UInt32(clamping: wait / 1_000 + 1))
  }

  /// Sends away who has connected and not shaken hands in time.
  func endLateHandshakes() {
    let limit = loop.nowNanoseconds &- UInt64(Limits.handshakeMilliseconds) * 1_000_000
    for session in sessions.values where session.stage == .handshake && session.acceptedAt < limit {
      refuseConnection(
        session,
        ProtocolError(.handshakeTimeout, "no complete hello within \(Limits.handshakeMilliseconds) milliseconds"))
    }
  }

  /// Sends away who has asked for nothing for long and waits for no answer. O(connections), where there is a limit.
  func endIdleConnections() {
    guard let seconds = context.configuration.idleSeconds else { return }
    let now = loop.nowNanoseconds
    for session in sessions.values where session.stage == .established {
      // Who waits for an answer, or for the server to look at what it has sent, is not idle.
      if session.requestsInFlight > 0 || session.isRunnable { session.requestedAt = now }
      guard now - session.requestedAt >= UInt64(seconds) * 1_000_000_000 else { continue }
      endConnection(
        session, ProtocolError(.idleTimeout, "no request within \(seconds) seconds", retryMicroseconds: 0))
    }
  }
}
