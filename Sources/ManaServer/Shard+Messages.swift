import Logging
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
      case .drain: beginDraining()
      case .quiet(let shard): becameQuiet(shard)
      case .finish: beginFinishing()
      }
    }
    if isFinishing, sessions.isEmpty { end() }
  }

  /// Sends a message to every shard, this one included.
  func tellAll(_ message: ShardMessage) {
    for shard in context.shards { shard.mailbox.send(message) }
  }

  // MARK: Beginning

  private func becameReady(_ shard: Int, _ report: RecoveryReport) {
    guard coordinator?.becameReady(shard, report) == true else { return }
    do throws(EventLoopError) {
      let address = try loop.listen(on: context.configuration.listen, dealingTo: context.shards.map(\.inlet))
      if let coordinator { coordinator.onReady(address, coordinator.report) }
    } catch {
      coordinator?.failed(.loop(error))
      tellAll(.finish)
    }
  }

  /// Drains the server on SIGTERM and SIGINT. On shard 0 only.
  func watchSignals() throws(ServerError) {
    do throws(EventLoopError) {
      try loop.onSignal(Signal.terminate) { [unowned self] in drain() }
      try loop.onSignal(Signal.interrupt) { [unowned self] in drain() }
    } catch {
      throw .loop(error)
    }
  }

  // MARK: Ending

  /// On SIGTERM: no further requests; what is in flight is finished. On shard 0 only.
  func drain() {
    guard !isDraining else { return }
    logger.info("draining", metadata: ["connections": "\(context.connectionCount)"])
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

  /// Everything is answered and closed: the journal writes its closing block, and the loop ends.
  private func end() {
    journal.close(digest: ledger.digest, timestamp: now)
    logger.info(
      "stopped",
      metadata: [
        "shard": "\(index)", "transactions": "\(ledger.transactionCount)", "blocks": "\(journal.statistics.blocks)",
        "longestFlushMicroseconds": "\(journal.statistics.flushNanosecondsMax / 1_000)",
        "longestTurnMicroseconds": "\(loop.counters.longestTurnNanoseconds / 1_000)",
      ])
    loop.stop()
    hasEnded = true
  }
}
