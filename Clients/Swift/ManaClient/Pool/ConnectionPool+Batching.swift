internal import ManaProtocol
internal import NIOCore

/// Single calls that travel together: see `ManaClient.Configuration.Batching` for when they do.
extension ConnectionPool {
  /// Sends the gathered calls that are due, in as few requests as they fit.
  func pumpGathered(now: NIODeadline) {
    while let first = gathering.first() {
      if first.deadline <= now {
        gathering.removeFirst()
        first.end(.failure(expiry(of: first)))
        continue
      }
      let lingersUntil = first.created + TimeAmount(bounded: configuration.batching.linger)
      guard lingersUntil <= now || isBatchDue else { return setLingerAlarm(at: lingersUntil) }
      guard let handler = leastLoaded(forBytes: first.frameBytes) else { return }
      if first.frameBytes > handler.frameBytesMax {
        gathering.removeFirst()
        first.end(.failure(first.tooLarge(handler.frameBytesMax)))
        continue
      }
      batchesInFlight += 1
      handler.send(PendingCall(carrying: takeBatch(for: handler)), now: now)
    }
  }

  private var isBatchDue: Bool {
    let batching = configuration.batching
    return batchesInFlight < batching.pipelineDepth || gathering.count >= batching.itemsMax
      || gathering.bytes - (gathering.count - 1) * PendingCall.sharedBytes >= batching.bytesMax
  }

  /// Takes out the first call, for which `handler` has room, and those after it that fit the same request.
  private func takeBatch(for handler: ConnectionHandler) -> [PendingCall] {
    let batching = configuration.batching
    let itemsMax = min(batching.itemsMax, latest.information?.itemsMax ?? 1)
    let bytesMax = min(batching.bytesMax, handler.frameBytesMax)
    var calls: [PendingCall] = []
    calls.reserveCapacity(min(itemsMax, gathering.count))
    var bytes = PendingCall.sharedBytes
    while calls.count < itemsMax, let call = gathering.first() {
      bytes += call.frameBytes - PendingCall.sharedBytes
      guard calls.isEmpty || (bytes <= bytesMax && handler.hasRoom(forBytes: bytes)) else { break }
      gathering.removeFirst()
      call.stage = .carried
      calls.append(call)
    }
    return calls
  }

  /// Sees to it that what gathers is looked at when the first call has waited long enough. An alarm that is early does
  /// no harm: it sets the next one.
  private func setLingerAlarm(at moment: NIODeadline) {
    if let lingerAlarm, lingerAlarm <= moment { return }
    lingerAlarm = moment
    let pool = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(deadline: moment) {
      if pool.value.lingerAlarm == moment { pool.value.lingerAlarm = nil }
      pool.value.pump()
    }
  }

  /// A request with gathered calls has its reply, or will get none.
  func batchEnded(_ call: PendingCall) { if !call.members.isEmpty { batchesInFlight -= 1 } }
}
