import Logging
import ManaAccess
import ManaAudit
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol

/// What shards tell each other: parts of requests, and how the server begins and ends.
extension Shard {
  /// Takes what has arrived in the mailbox.
  func takeMessages() {
    mailbox.drain { message in
      switch message {
      case .request(let part): waitingParts.append(part)
      case .reply(let part): join(part)
      case .ready(let shard, let report): becameReady(shard, report)
      case .failed(let error):
        coordinator?.failed(error)
        tellAll(.finish)
      case .credentialsChanged: applyCredentials()
      // Two callers who ask are no reason to hurry, as two signals are.
      case .drainAsked(let caller, let address): if !hasEndingSignal { drain(askedBy: caller, from: address) }
      case .drain: beginDraining()
      case .quiet(let shard): becameQuiet(shard)
      case .finish: beginFinishing()
      case .finishAtOnce: finishAtOnce()
      case .ended: break
      }
    }
    // Shard 0 watches the signals: it stays for as long as any shard waits for a caller to close its side.
    if isFinishing, sessions.isEmpty, index > 0 || context.connectionCount == 0 { end() }
  }

  /// Sends a message to every shard, this one included.
  func tellAll(_ message: ShardMessage) {
    for shard in context.shards { shard.mailbox.send(message) }
  }

  // MARK: Beginning

  private func becameReady(_ shard: Int, _ report: RecoveryReport) {
    guard coordinator?.becameReady(shard, report) == true else { return }
    do throws(EventLoopError) {
      let total = coordinator?.report ?? report
      logger.info("recovered", metadata: total.metadata)
      let addresses = try listen()
      context.readiness.set(true)
      for address in addresses {
        auditStart(on: address)
        logger.info("listening", metadata: listeningMetadata(address))
      }
      coordinator?.onReady(addresses[0], total)
    } catch {
      coordinator?.failed(.loop(error))
      tellAll(.finish)
    }
  }

  /// Listens on the sockets that were handed over, or on the address; where that is.
  private func listen() throws(EventLoopError) -> [ListenAddress] {
    let inlets = context.shards.map(\.inlet)
    let configuration = context.configuration
    if configuration.inheritedSockets.isEmpty {
      return [try loop.listen(on: configuration.listen, dealingTo: inlets, tls: context.tls)]
    }
    for socket in configuration.inheritedSockets { try loop.listen(on: socket, dealingTo: inlets, tls: context.tls) }
    return configuration.addresses
  }

  private func listeningMetadata(_ address: ListenAddress) -> Logger.Metadata {
    [
      "address": "\(address)", "tls": .truth(context.tls != nil), "shards": .number(context.shards.count),
      "letsIn": "\(context.access.current == nil ? "everybody" : "credentials")",
      "inherited": .truth(!context.configuration.inheritedSockets.isEmpty),
    ]
  }

  /// Drains the server on SIGTERM and SIGINT, and reads its certificate and its credentials anew on SIGHUP. On shard 0
  /// only.
  func watchSignals() throws(ServerError) {
    do throws(EventLoopError) {
      try loop.onSignal(Signal.hangUp) { [unowned self] in reload() }
      try loop.onSignal(Signal.terminate) { [unowned self] in drain() }
      try loop.onSignal(Signal.interrupt) { [unowned self] in drain() }
    } catch {
      throw .loop(error)
    }
  }

  /// Takes the certificate, the key and the authority as the files are now, for connections to come.
  private func reload(_ tls: TLSContext) {
    do throws(TLSError) {
      try tls.reload()
      logger.notice("certificate reloaded", metadata: ["certificate": "\(tls.files.certificate)"])
      audit(.reload, reason: "certificate")
    } catch {
      logger.error("certificate not reloaded, the one before stays in use", metadata: ["error": "\(error)"])
      audit(.reload, outcome: "failed", reason: "\(error)")
    }
  }

  /// Reads what may change while the server runs. What is wrong with it is logged, and changes nothing.
  private func reload() {
    context.configuration.observe?(.reloading)
    defer { context.configuration.observe?(.reloaded) }
    if let tls = context.tls { reload(tls) }
    let before = context.access.current
    do throws(CredentialsError) {
      let count = try context.access.reload()
      logger.info(
        "credentials read anew",
        metadata: ["letsIn": "\(count == nil ? "everybody" : "credentials")", "credentials": .number(count ?? 0)])
      tellAll(.credentialsChanged)
      audit(.reload, reason: "credentials")
      auditChanges(from: before, to: context.access.current)
    } catch {
      logger.error("the credentials were not read anew", metadata: ["error": "\(error)"])
      audit(.reload, outcome: "failed", reason: error.description)
    }
  }

  // MARK: Ending

  /// On SIGTERM, or for the caller who asks for it: no further requests; what is in flight is finished. A second one
  /// waits for nobody. On shard 0 only.
  ///
  /// - Parameters:
  ///   - caller: The credential of who asked for it, where there is one.
  ///   - address: Where that was; nil for a signal.
  func drain(askedBy caller: String = "", from address: String? = nil) {
    guard !hasEndingSignal else {
      logger.notice("ending at once", metadata: ["connections": .number(context.connectionCount)])
      return tellAll(.finishAtOnce)
    }
    hasEndingSignal = true
    context.readiness.set(false)
    audit(.drain, who: caller, from: address ?? "", reason: address == nil ? "signal" : "call")
    logger.info("draining", metadata: ["connections": .number(context.connectionCount)])
    context.configuration.observe?(.draining)
    loop.after(milliseconds: ServerLimits.drainMilliseconds) { [unowned self] in
      logger.warning("not everything in flight was finished in time")
      tellAll(.finish)
    }
    tellAll(.drain)
  }

  private func beginDraining() {
    guard !isDraining else { return }
    isDraining = true
    loop.stopListening()
    for session in sessions.values where session.stage == .established {
      sendGoAway(to: session, ProtocolError(.shuttingDown, "this server is shutting down"))
    }
  }

  /// Tells shard 0, once, that none of this shard's callers waits for an answer.
  func reportQuiet() {
    guard !isQuiet, !hasRequestsInFlight else { return }
    isQuiet = true
    context.shards[0].mailbox.send(.quiet(shard: index))
  }

  private func becameQuiet(_ shard: Int) {
    if coordinator?.becameQuiet(shard) == true { tellAll(.finish) }
  }

  private func beginFinishing() {
    guard !isFinishing else { return }
    isDraining = true
    isFinishing = true
    loop.stopListening()
    for session in sessions.values { session.connection.close(afterFlushing: true) }
  }

  /// Ends connections without sending what they have not taken. The journal still completes the write under way.
  private func finishAtOnce() {
    endsAtOnce = true
    beginFinishing()
    for session in sessions.values { session.connection.close(afterFlushing: false) }
  }

  /// Everything is answered and closed: the journal writes its closing block, and the loop ends.
  private func end() {
    recordUnfinishedCredits()
    endCheckpointThread()
    if journal.settle(digest: ledger.digest, timestamp: now), !endsAtOnce { makeLastCheckpoint() }
    journal.close(digest: ledger.digest, timestamp: now)
    logger.info(
      "stopped",
      metadata: [
        "shard": .number(index), "transactions": .number(ledger.transactionCount),
        "blocks": .number(journal.statistics.blocks),
        "longestFlushMicroseconds": .number(journal.statistics.flushNanosecondsMax / 1_000),
        "longestTurnMicroseconds": .number(loop.counters.longestTurnNanoseconds / 1_000),
      ])
    gauges.ended()
    loop.stop()
    hasEnded = true
    if index > 0 { context.shards[0].mailbox.send(.ended) }
  }
}
