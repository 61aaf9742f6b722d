internal import Logging
internal import ManaProtocol
internal import NIOCore
internal import NIOPosix

/// How connections are made, kept and given up.
extension ConnectionPool {
  func start(_ continuation: CheckedContinuation<Void, Never>?) {
    switch stage {
    case .created:
      stage = .running(continuation)
      for slot in slots { connect(slot) }
    case .stopped:
      // The task was cancelled before it began.
      continuation?.resume()
    case .running, .stopping:
      preconditionFailure("ManaClient.run() is called once")
    }
  }

  func stop(_ waiter: CheckedContinuation<Void, Never>?) {
    failWaiting { $0.error(.shutDown, .notExecuted, "the client has shut down: run() has ended") }
    switch stage {
    case .created:
      stage = .stopped
      waiter?.resume()
    case .running(let runner):
      stage = .stopping([runner, waiter].compactMap { $0 })
      let reason = ManaError(.shutDown, execution: .notExecuted, message: "the client has shut down: run() has ended")
      let open = slots.compactMap(\.handler) + draining
      for slot in slots { slot.timer?.cancel() }
      for handler in open { handler.close(reason) }
      finishStopping()
    case .stopping(let waiters): stage = .stopping(waiters + [waiter].compactMap { $0 })
    case .stopped: waiter?.resume()
    }
  }

  /// Ends `run()` once every connection is closed.
  private func finishStopping() {
    guard case .stopping(let waiters) = stage, draining.isEmpty, slots.allSatisfy({ $0.handler == nil }) else {
      return
    }
    stage = .stopped
    for waiter in waiters { waiter.resume() }
  }

  private func connect(_ slot: Slot) {
    guard case .running = stage else { return }
    slot.stage = .connecting
    let started = NIODeadline.now()
    let encrypt: Encryption.Initializer?
    do throws(ManaError) {
      encrypt = try encryption?.initializer()
    } catch {
      return failed(slot, error)
    }
    let greeting = Hello.greeting(
      ledger: configuration.ledger, instance: instance, clientName: configuration.clientName,
      token: configuration.credential?.token)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(bounded: configuration.connectTimeout))
      .channelInitializer { [ledger = configuration.ledger] channel in
        channel.eventLoop.makeCompletedFuture {
          if let encrypt { try encrypt.addHandler(to: channel) }
          try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(expectedLedger: ledger, greeting: greeting, encryption: encrypt))
        }
      }
    let attempt =
      switch address {
      case .hostPort(let host, let port):
        bootstrap.channelOption(.socketOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
      case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    attempt.assumeIsolated().flatMapThrowing { channel in
      try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
    }.whenComplete { self.connected(slot, $0, started: started) }
  }

  private func connected(_ slot: Slot, _ result: Result<ConnectionHandler, any Error>, started: NIODeadline) {
    switch result {
    case .failure(let error):
      failed(
        slot,
        ManaError(
          .notConnected, execution: .notExecuted, message: "connecting to \(address) failed: \(connectFailure(error))"))
    case .success(let handler):
      guard case .running = stage else {
        return handler.close(ManaError(.shutDown, execution: .notExecuted, message: "the client has shut down"))
      }
      slot.stage = .greeting(handler, since: .now())
      let timeout = configuration.connectTimeout
      slot.timer = eventLoop.assumeIsolated().scheduleTask(deadline: started + TimeAmount(bounded: timeout)) {
        handler.close(
          ManaError(
            .notConnected, execution: .notExecuted,
            message: "\(self.address) accepted the connection and sent no welcome within \(timeout)"))
      }
      handler.attach(to: self)
    }
  }

  /// The connection of a slot could not be made or has ended: tries again after a pause.
  private func failed(_ slot: Slot, _ reason: ManaError) {
    slot.timer?.cancel()
    slot.stage = .idle
    countConnections()
    guard case .running = stage else { return finishStopping() }
    lastConnectError = reason
    // Files that have been put right in the meantime are read anew.
    encryption?.forget()
    var generator = SystemRandomNumberGenerator()
    let pause = configuration.backoff.pause(attempt: slot.attempt, using: &generator)
    slot.attempt += 1
    slot.stage = .pausing
    // The first failure in a row is news; those that follow tell the same.
    logger?.log(
      level: slot.attempt == 1 ? .warning : .debug, "no connection to the ledger",
      metadata: [
        "address": "\(address)", "connection": "\(slot.number)", "reason": "\(reason)", "pause": "\(pause)",
      ])
    slot.timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(bounded: pause)) { self.connect(slot) }
    if let hopeless = hopelessError { failWaiting { $0.failure(of: hopeless) } }
  }

  private func slot(of connection: ConnectionHandler) -> Slot? { slots.first { $0.handler === connection } }
}

extension ConnectionPool: ConnectionOwner {
  func connection(_ connection: ConnectionHandler, welcomed welcome: Welcome) {
    guard let slot = slot(of: connection) else { return }
    slot.timer?.cancel()
    slot.stage = .ready(connection, since: .now())
    lastConnectError = nil
    let information = ServerInformation(welcome)
    latest.welcomed(information, again: slot.wasConnected)
    if slot.wasConnected { metrics.reconnected() }
    countConnections()
    logger?.log(
      level: slot.wasConnected ? .info : .debug,
      "connected to the ledger",
      metadata: [
        "address": "\(address)", "connection": "\(slot.number)", "ledger": "\(information.ledger)",
        "server": "\(loggable(information.name))",
      ])
    slot.wasConnected = true
  }

  func connection(
    _ connection: ConnectionHandler, answered call: PendingCall, _ result: Result<ByteBuffer, ManaError>
  ) {
    // A reply shows that the connection is good, so that the next pause is short again.
    slot(of: connection)?.attempt = 0
    batchEnded(call)
    call.end(result.map { .body($0) })
  }

  func connection(_ connection: ConnectionHandler, drains reason: ManaError) {
    guard let slot = slot(of: connection) else { return }
    draining.append(connection)
    failed(slot, reason)
  }

  func connectionHasRoom(_ connection: ConnectionHandler) {
    pump()
    stopIfDrained()
  }

  func connection(_ connection: ConnectionHandler, closed reason: ManaError, lost: [PendingCall]) {
    for call in lost {
      batchEnded(call)
      let code: ManaError.Code = reason.code == .shutDown ? .shutDown : .connectionLost
      call.end(
        .failure(
          call.error(code, .unknown, "the connection to \(address) ended before the reply came", cause: reason)))
    }
    draining.removeAll { $0 === connection }
    if let slot = slot(of: connection) {
      if case .ready(_, let since) = slot.stage, .now() - since >= TimeAmount(bounded: configuration.backoff.max) {
        slot.attempt = 0
      }
      failed(slot, reason)
    } else {
      finishStopping()
    }
    stopIfDrained()
  }
}

/// Why connecting failed, as one line for people: NIO's error lists each address that was tried.
private func connectFailure(_ error: any Error) -> String {
  guard let error = error as? NIOConnectionError else { return loggable("\(error)") }
  var reasons = error.connectionErrors.map { "\($0.target): \($0.error)" }
  if reasons.isEmpty { reasons = [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { "\($0)" } } }
  return loggable(reasons.joined(separator: "; "))
}
