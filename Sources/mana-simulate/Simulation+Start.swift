import ManaEventLoop
import ManaJournal
import ManaProtocol
import ManaServer
import ManaTesting
import SystemPackage

/// Starting the server, as often as it takes, and looking whether it has kept its word.
extension Simulation {
  func start(isLast: Bool) throws {
    var backup: SimulatedDisk?
    for attempt in 0..<40 {
      let isClean = isLast || attempt > 4
      if !isClean { planFaultsOfStart() }
      // Should the disk have lied, an operator will restore what an honest one would have: as it was before the first
      // attempt, which may already have cut off what it could not see.
      let mayLie = disk.silentFault != nil || disk.plans.contains { $0.kind == .staleRead }
      if !mayLie || backup === disk { backup = nil }
      if mayLie, backup == nil { backup = disk.honestCopy() }
      do {
        let server = try makeServer()
        clearPlans()
        for _ in 0..<server.checkpointsPassedOver { count(.checkpointPassedOver) }
        outcome.begunWithCheckpoint += server.checkpointsBegunWith
        if try accepts(server, backup) {
          self.server = server
          mix(UInt64(attempt))
          return
        }
      } catch let error as ServerError {
        try refused(error, backup)
      }
    }
    throw Failure(message: "the server does not start although nothing is wrong with the disk any more")
  }

  private func makeServer() throws(ServerError) -> SteppedServer {
    hasFailed = false
    isReady = false
    machine.isListening = false
    return try SteppedServer(
      configuration,
      SteppedServer.Surroundings(
        storage: disk, random: { [generator = SharedGenerator(seed: random.next())] in generator.next() },
        hashBits: hashBits, itemsPerTurn: itemsPerTurn,
        onFailure: { [unowned world = self] failure in
          world.hasFailed = true
          world.trace("\(failure)")
        },
        onReady: { [unowned world = self] report in
          world.isReady = true
          world.trace("serving: \(report.transactions) transactions, \(report.blocks) blocks, cut \(report.cutBytes)")
        }))
  }

  /// Whether the server has everything that was acknowledged.
  private func accepts(_ server: SteppedServer, _ backup: SimulatedDisk?) throws -> Bool {
    let fault = disk.silentFault
    // A start behind a checkpoint does not read what is before it: an operator in doubt verifies.
    if let fault, let backup, let damage = try server.verification() {
      outcome.detected += 1
      trace("\(fault.name): found by verifying, \(damage); the disk is restored")
      restore(backup)
      return false
    }
    if random.chance(1, in: 8) { server.checkInvariants() }
    guard let missing = acknowledgements.missing(in: server) else {
      if let fault, disk.acceptAsHonest() {
        outcome.harmless += 1
        trace("\(fault.name) did no harm")
        silentFaultStep = nil
      }
      return true
    }
    guard let fault, let backup else {
      throw Failure(message: "acknowledged at step \(missing.step) and lost: \(missing.message)")
    }
    // Firmware that lies about the last write cannot be told from a write that was cut short. Anything older can.
    let isTail = fault == .lostWrite || fault == .misplacedWrite || fault == .syncLie || fault == .repeatedWrite
    guard isTail, missing.step >= silentFaultStep ?? .max else {
      throw Failure(
        message: "after \(fault.name) the server started without \(missing.message), acknowledged at step "
          + "\(missing.step), before the fault at step \(silentFaultStep ?? -1)")
    }
    outcome.found += 1
    trace("\(fault.name): found missing \(missing.message); the disk is restored")
    restore(backup)
    return false
  }

  /// The server did not start: was there a reason?
  private func refused(_ error: ServerError, _ backup: SimulatedDisk?) throws {
    trace("does not start: \(error)")
    let fired = firedReadFault
    clearPlans()
    if disk.isOff {
      count(acknowledgements.isEmpty ? .crashInCreation : .crashInRecovery)
      disk.losePower()
      mix(1)
      return
    }
    if disk.silentFault != nil, let backup {
      outcome.detected += 1
      restore(backup)
      mix(2)
      return
    }
    if case .journal(.system(_, _, let code)) = error, code == .ioError || code == .noData || code == .noSpace, fired {
      mix(3)
      return
    }
    throw Failure(message: "the start was refused although nothing is wrong with the disk: \(error)")
  }

  private func restore(_ backup: SimulatedDisk) {
    outcome.counts.add(disk.counts)
    disk = backup
    silentFaultStep = nil
  }

  // MARK: Faults of a start

  private func planFaultsOfStart() {
    switch Int.random(in: 0..<24, using: &random) {
    case 0, 1: disk.powerFailsAfter = Int.random(in: 0...12, using: &random)
    case 2: plan(.readError, within: 6)
    case 3: plan(.shortRead, within: 6)
    case 4: plan(.nameError, within: 8)
    case 5 where disk.silentFault == nil: plan(.staleRead, within: 1)
    case 6 where disk.silentFault == nil:
      disk.flipBit()
      silentFaultStep = step
    case 7: plan(.syncError, within: 3)
    case 8: plan(.writeError, within: 3)
    case 9: disk.isFull = true
    default: break
    }
  }

  private func plan(_ kind: FaultKind, within count: Int) {
    disk.plans.append(SimulatedDisk.Plan(kind, after: Int.random(in: 0..<count, using: &random)))
    plannedOfStart = disk.plans.count
  }

  /// Whether something of what was planned for this start has happened.
  private var firedReadFault: Bool { disk.plans.count < plannedOfStart || disk.isFull }

  private func clearPlans() {
    disk.plans = []
    plannedOfStart = 0
    disk.powerFailsAfter = nil
    disk.isFull = false
  }
}

/// A generator that the server draws from.
final class SharedGenerator: @unchecked Sendable {
  // Unchecked: a simulation has one thread.
  private var generator: SplitMix64
  init(seed: UInt64) { generator = SplitMix64(seed: seed) }
  func next() -> UInt64 { generator.next() }
}
