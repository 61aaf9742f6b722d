import ManaProtocol
import ManaServer
import ManaTesting

/// One step of the world: something moves, or something breaks.
extension Simulation {
  func act() throws {
    step += 1
    machine.clock += UInt64.random(in: 0..<120_000, using: &random)
    let silentBefore = disk.silentFault
    let choice = Int.random(in: 0..<1_000, using: &random)
    mix(UInt64(choice))
    switch choice {
    case 0..<330: turnSome()
    case 330..<440: writeSome()
    case 440..<470: prepareSome()
    case 470..<475: checkpointSome()
    case 475..<540: readSome()
    case 540..<740: deliverSome()
    case 740..<940: actSomeClient()
    case 940..<970: skipTime()
    default: if !isCalm { breakSomething() }
    }
    if disk.silentFault != nil, silentBefore == nil { silentFaultStep = step }
  }

  // MARK: The server

  func turnSome() {
    guard let server else { return }
    let shard = Int.random(in: 0..<server.shardCount, using: &random)
    guard server.isRunning(shard) else { return }
    server.turn(shard)
    if planted == .earlyReply, server.isRunning(shard) { server.releaseTooEarly(shard) }
  }

  func writeSome() {
    guard let server, isCalm || step >= pausedWriter else { return }
    let shard = Int.random(in: 0..<server.shardCount, using: &random)
    guard server.isRunning(shard), server.hasWorkForWriter(shard) else { return }
    trace("shard \(shard) writes a block")
    _ = server.write(shard)
    acknowledgements.note(recordsOf: server, shard, at: step)
    if disk.isOff { count(.crashBetweenWriteAndSync) }
  }

  func prepareSome() {
    guard let server else { return }
    let shard = Int.random(in: 0..<server.shardCount, using: &random)
    guard server.isRunning(shard), server.hasWorkForPreparer(shard) else { return }
    let isMade = server.prepare(shard)
    trace("shard \(shard) \(isMade ? "has made" : "cannot make") a segment")
    if disk.isOff { count(.crashInSegmentMaking) }
  }

  func checkpointSome() {
    guard let server else { return }
    let shard = Int.random(in: 0..<server.shardCount, using: &random)
    guard server.isRunning(shard), server.hasWorkForCheckpoint(shard) else { return }
    let planned = disk.plans.count
    // A checkpoint is made in one step of many changes, which a power cut planned for later would pass by.
    if !isCalm, disk.powerFailsAfter == nil, random.chance(1, in: 16) {
      disk.powerFailsAfter = Int.random(in: 0..<8, using: &random)
    }
    let isMade = server.checkpoint(shard)
    trace("shard \(shard) \(isMade ? "has made" : "cannot make") a checkpoint")
    if isMade { outcome.checkpoints += 1 }
    if disk.isOff { count(.crashInCheckpoint) }
    if disk.plans.count < planned { count(.checkpointFailure) }
  }

  func readSome() {
    guard let server else { return }
    let shard = Int.random(in: 0..<server.shardCount, using: &random)
    guard server.isRunning(shard), server.hasWorkForReader(shard) else { return }
    let planned = disk.plans.count
    let starts = server.recordStartsRead(shard)
    _ = server.read(shard)
    if server.recordStartsRead(shard) > starts {
      count(.hashCollision)
    } else {
      trace("shard \(shard) reads a block back")
    }
    if disk.plans.count < planned { count(.readBackFailure) }
  }

  /// To the next timer of the server, or past it.
  func skipTime() {
    let next = Loop.all.values.compactMap(\.nextTimer).min() ?? machine.clock
    machine.clock = max(machine.clock, next) + UInt64.random(in: 0..<2_000_000, using: &random)
    if random.chance(1, in: 10) { machine.clock += UInt64.random(in: 0..<3_000_000_000, using: &random) }
  }

  // MARK: The network and the clients

  func deliverSome() {
    links.removeAll { ($0.isClientGone && ($0.isServerGone || $0.isCut)) || ($0.isCut && $0.isServerGone) }
    guard let link = links.randomElement(using: &random), !link.isCut else { return }
    let toServer = random.chance(1, in: 2)
    if toServer ? !link.toServer.hasNews : !link.toClient.hasNews { return }
    if !isCalm, random.chance(1, in: 12) { return count(.deliveryDelayed) }
    let what =
      toServer ? link.toServer.deliver(using: &random) : link.toClient.deliver(using: &random)
    if let what { outcome.counts[what] += 1 }
  }

  func actSomeClient() {
    let client = clients.randomElement(using: &random)!
    if !client.isConnected, machine.isListening, isReady {
      linkCount += 1
      let link = SimulatedLink(number: linkCount)
      links.append(link)
      machine.backlog.append(link)
      client.connect(link, at: step)
      trace("client \(client.number) connects with link \(link.number)")
    }
    if !isCalm, client.load < 12, random.chance(2, in: 3) {
      let request = traffic.next()
      trace("client \(client.number) wants request \(request.number): \(request.opcode)")
      client.take(request)
    }
    client.act(at: step, requestsMax: 8)
  }

  // MARK: Faults

  private func breakSomething() {
    switch Int.random(in: 0..<14, using: &random) {
    case 0, 1:
      guard let link = links.randomElement(using: &random), !link.isCut else { return }
      link.cut()
      count(.connectionCut)
    case 2:
      guard let client = clients.randomElement(using: &random), client.isConnected else { return }
      client.finishSending()
      count(.connectionHalfClosed)
    case 3:
      guard let client = clients.randomElement(using: &random) else { return }
      client.readsAgainAt = step + Int.random(in: 20..<300, using: &random)
      count(.slowReader)
    case 4:
      guard let link = links.randomElement(using: &random) else { return }
      let hit =
        random.chance(1, in: 2) ? link.toServer.flipBit(using: &random) : link.toClient.flipBit(using: &random)
      if hit { count(.wireBitFlip) }
    case 5, 6:
      let nanoseconds = UInt64.random(in: 0..<4_000_000_000, using: &random)
      machine.wallOffset &-= nanoseconds
      count(.clockBack)
    case 7, 8:
      machine.wallOffset &+= UInt64.random(in: 0..<9_000_000_000, using: &random)
      count(.clockForward)
    case 9: machine.failingAccepts = Int.random(in: 1...3, using: &random)
    case 10: disk.isFull.toggle()
    case 11: pausedWriter = step + Int.random(in: 10..<120, using: &random)
    case 12:
      guard random.chance(1, in: 4), let server, server.isRunning(0), isReady else { return }
      count(.orderlyEnd)
      server.drain()
    default: return
    }
  }

  /// What the disk will do while the server runs.
  func planFaults() {
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<6:
      // Often early: a life is short, and what a power cut leaves of a write shows only between that and its sync.
      let latest = [6, 20, 60].randomElement(using: &random)!
      disk.powerFailsAfter = Int.random(in: 0...latest, using: &random)
    case 6: plan(.writeError)
    case 7: plan(.shortWrite)
    case 8: plan(.syncError)
    case 9: plan(.nameError)
    case 10 where disk.silentFault == nil: plan(.lostWrite)
    case 11 where disk.silentFault == nil: plan(.misplacedWrite)
    case 12 where disk.silentFault == nil: plan(.repeatedWrite)
    case 13 where disk.silentFault == nil: plan(.syncLie)
    case 14: disk.isFull = true
    // While it runs, a server reads little.
    case 15: plan(.readError, within: 3)
    case 16: plan(.shortRead, within: 3)
    case 17 where disk.silentFault == nil: plan(.staleRead, within: 3)
    default: break
    }
  }

  private func plan(_ kind: FaultKind, within count: Int = 12) {
    disk.plans.append(SimulatedDisk.Plan(kind, after: Int.random(in: 0..<count, using: &random)))
  }
}
