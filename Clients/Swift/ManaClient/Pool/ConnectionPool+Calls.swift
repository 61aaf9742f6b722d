internal import ManaProtocol
internal import NIOCore

/// The ways in which calls come and end.
extension ConnectionPool {
  func submit(_ call: PendingCall, _ continuation: PendingCall.Continuation, now: NIODeadline) {
    call.submitted(continuation)
    if call.hasEnded {
      return call.end(.failure(call.error(.cancelled, .notExecuted, "cancelled before it was sent")))
    }
    switch stage {
    case .stopping, .stopped:
      return call.end(.failure(call.error(.shutDown, .notExecuted, "the client has shut down: run() has ended")))
    case .running where isDraining:
      return call.end(
        .failure(call.error(.shutDown, .notExecuted, "the client is shutting down and takes no further calls")))
    case .created, .running: break
    }
    if let error = hopelessError { return call.end(.failure(call.failure(of: error))) }
    guard call.deadline > now else { return call.end(.failure(expiry(of: call))) }
    guard append(call) else {
      let (count, bytes) = (waiting.count + gathering.count, waiting.bytes + gathering.bytes)
      let message = "\(count) calls of \(bytes) bytes wait for a connection already"
      return call.end(.failure(call.error(.queueFull, .notExecuted, message, cause: lastConnectError)))
    }
    deadlines.insert(call, at: call.deadline) { $0.hasEnded }
    setAlarm()
  }

  /// False when too much waits already.
  private func append(_ call: PendingCall) -> Bool {
    guard waiting.count + gathering.count < configuration.waitingCallsMax,
      waiting.bytes + gathering.bytes + call.frameBytes <= configuration.waitingBytesMax
    else { return false }
    return call.posting == nil ? waiting.append(call) : gathering.append(call)
  }

  /// Tells the queue of a call that the call is about to end.
  private func left(_ call: PendingCall) {
    if call.posting == nil { waiting.left(call) } else { gathering.left(call) }
  }

  /// The caller's task was cancelled.
  func cancel(_ call: PendingCall) {
    switch call.stage {
    case .waiting where call.isSubmitted:
      left(call)
      call.end(.failure(call.error(.cancelled, .notExecuted, "cancelled before it was sent")))
    case .waiting:
      call.stage = .ended
    case .sent(let connection, let correlation):
      connection.abandon(correlation)
      call.end(.failure(call.error(.cancelled, .unknown, "cancelled after it was sent")))
    case .carried: call.end(.failure(call.error(.cancelled, .unknown, "cancelled after it was sent")))
    case .ended: break
    }
  }

  /// Fails the calls that wait, because of what `error` says about each.
  func failWaiting(_ error: (PendingCall) -> ManaError) {
    for call in waiting.removeAll() + gathering.removeAll() { call.end(.failure(error(call))) }
  }

  /// Sees to it that `expire` runs when the next deadline passes. One timer for all calls.
  private func setAlarm() {
    guard let earliest = deadlines.earliest else { return }
    if let alarm {
      if alarm.at <= earliest { return }
      alarm.timer.cancel()
    }
    let pool = NIOLoopBound(self, eventLoop: eventLoop)
    let timer = eventLoop.scheduleTask(deadline: earliest) { pool.value.expire() }
    alarm = (earliest, timer)
  }

  private func expire() {
    alarm = nil
    let now = NIODeadline.now()
    while let call = deadlines.popDue(now) {
      switch call.stage {
      case .waiting:
        left(call)
        call.end(.failure(expiry(of: call)))
      case .sent(let connection, let correlation):
        connection.abandon(correlation)
        call.end(.failure(silence(to: call)))
      case .carried: call.end(.failure(silence(to: call)))
      case .ended: break
      }
    }
    setAlarm()
    stopIfDrained()
  }

  /// The error of a call that was sent and got no reply in time.
  private func silence(to call: PendingCall) -> ManaError {
    call.error(.deadlineExceeded, .unknown, "no reply from \(address) within \(call.timeout)")
  }

  /// Why a call whose deadline has passed was not sent.
  func expiry(of call: PendingCall) -> ManaError {
    if case .created = stage {
      return call.error(
        .runNotCalled, .notExecuted,
        "ManaClient.run() was not called within \(call.timeout): run it in a task of its own for as long as calls are "
          + "made, or use withManaClient")
    }
    if hasReadyConnection {
      return call.error(
        .deadlineExceeded, .notExecuted,
        "\(call.timeout) passed before there was room to send the call: \(address) has as many in flight as it allows")
    }
    return call.error(
      .notConnected, .notExecuted, "no connection to \(address) within \(call.timeout)", cause: lastConnectError)
  }
}

extension PendingCall {
  /// The error of the connection as the error of this call, which was not sent.
  func failure(of connection: ManaError) -> ManaError {
    ManaError(connection) {
      $0.execution = .notExecuted
      $0.transactionID = transactionID
    }
  }
}
