/// Kills a server under load again and again, and lets the load compare every account with what was acknowledged.
///
/// A round is one load. While it posts, servers come and go on one directory: killed after a moment, killed while they
/// recover, ended by a system call that was made to fail, or, on every other ledger where that can be done, together with
/// the power of their disk. When the load's time is over, a server that stays answers what
/// became of transactions without a reply, and every account is compared. Then it ends in an orderly manner and
/// `mana-server verify` goes through the journal.
struct Torturer {
  private let workbench: Workbench
  private let progress: Progress
  private let seed: UInt64
  /// Without system-call faults, for where `strace` may not trace.
  private let killsOnly: Bool
  /// A disk to cut the power of; nil where there can be none.
  private let disk: PoweredDisk?
  /// Where a directory that was found wrong is moved to.
  private let evidenceDirectory: String
  private(set) var totals: TortureTotals
  private var random: SeededGenerator

  init(
    _ workbench: Workbench, progress: Progress, seed: UInt64, killsOnly: Bool, disk: PoweredDisk?,
    evidenceDirectory: String
  ) {
    self.workbench = workbench
    self.progress = progress
    self.seed = seed
    self.killsOnly = killsOnly
    self.disk = disk
    self.evidenceDirectory = evidenceDirectory
    totals = TortureTotals(seeds: [seed])
    random = SeededGenerator(seed: seed)
  }

  /// Rounds until `goal` is reached, at least one. Throws what was found, and when a count was not reached in time.
  mutating func run(until goal: TortureGoal) throws(BenchError) {
    let end = System.now() + UInt64(goal.seconds * 1e9)
    var number = 0
    var ledgers = 0
    repeat {
      ledgers += 1
      let disk = goal.takesDisk(ledgers, totals) ? disk : nil
      let place = TorturedServer.Place(
        directory: disk.map { "\($0.path)/ledger" } ?? workbench.path("ledger"), socket: workbench.path("socket"),
        shards: Int.random(in: 1...2, using: &random),
        hasCheckpoints: !random.next().isMultiple(of: 4), disk: disk)
      // Several loads on one ledger: there is more and more to recover.
      for _ in 0..<TortureLimits.roundsPerLedger
      where number == 0 || System.now() < end && goal.isOpen(onDisk: disk != nil, totals) {
        number += 1
        do throws(BenchError) {
          try round(number, on: place)
        } catch {
          throw keep(place, error)
        }
      }
      System.removeTree(place.directory)
    } while System.now() < end && !goal.isReached(totals)
    if let missing = goal.missing(totals) { throw .failed(what: missing, output: totals.text) }
  }

  /// Leaves the directory, or the image of its disk, behind for whoever looks for the reason.
  private func keep(_ place: TorturedServer.Place, _ error: BenchError) -> BenchError {
    guard case .failed(let what, let output) = error else { return error }
    let evidence = "\(evidenceDirectory)/mana-torture-\(seed)"
    do throws(BenchError) {
      if let disk = place.disk {
        try disk.close(keepingAs: evidence)
        return .failed(what: "\(what) (seed \(seed); the image of its disk is kept as \(evidence))", output: output)
      }
      try System.rename(place.directory, to: evidence)
      return .failed(what: "\(what) (seed \(seed); the data directory is kept as \(evidence))", output: output)
    } catch {
      return .failed(what: "\(what) (seed \(seed))", output: output)
    }
  }

  private mutating func round(_ number: Int, on place: TorturedServer.Place) throws(BenchError) {
    progress.begin("round \(number), \(totals.kills) kills so far")
    var server = try TorturedServer(workbench, place)
    // Whatever goes wrong, nothing of it is left running.
    defer { server.kill() }
    try server.waitUntilReady()
    // The accounts are created first, so that the load posts at least until so long after this.
    let end = System.now() + UInt64((TortureLimits.loadSeconds - TortureLimits.calmSeconds) * 1e9)
    let load = try startLoad(through: number.isMultiple(of: 2) ? "client" : "raw", on: place)
    defer { load.kill() }
    // Long enough, as a rule, for the accounts to exist.
    wait(seconds: TortureLimits.setUpSeconds) { load.status != nil }
    while load.status == nil, System.now() < end {
      if System.interrupted { throw .interrupted }
      try endLife(of: server, on: place)
      server = try TorturedServer(workbench, place, fault: place.disk == nil ? nextFault() : nil)
      try live(server)
      progress.show()
    }
    if server.hasFault {
      try endLife(of: server, on: place)
      server = try TorturedServer(workbench, place)
    }
    try server.waitUntilReady()
    try judge(load)
    try server.stop()
    try workbench.run("mana-server", at: Program.own("mana-server"), ["verify", place.directory])
  }

  private mutating func startLoad(
    through carrier: String, on place: TorturedServer.Place
  ) throws(BenchError) -> ChildProcess {
    try workbench.start(
      "mana-load", at: Program.own("mana-load"),
      [
        "--server", "unix:\(place.socket)", "--scenario", "mixed", "--batch", "16", "--connections", "4",
        "--in-flight", "8", "--accounts", "500", "--warmup", "0", "--duration", "\(TortureLimits.loadSeconds)",
        "--verify", "--json", "--through", carrier, "--seed", "\(UInt32.random(in: 1...UInt32.max, using: &random))",
      ])
  }

  /// The fault of the next server and the call that it begins with; mostly none.
  private mutating func nextFault() -> (SystemCallFault, number: Int)? {
    guard !killsOnly, Int.random(in: 0..<TortureLimits.serversPerFault, using: &random) == 0,
      let fault = SystemCallFault.all.randomElement(using: &random)
    else { return nil }
    return (fault, Int.random(in: 1...fault.numberMax, using: &random))
  }

  /// Lets a server live for a moment, or ends it while it recovers.
  private mutating func live(_ server: TorturedServer) throws(BenchError) {
    // A tracer that is killed while it starts leaves a process behind.
    if !server.hasFault, Int.random(in: 0..<TortureLimits.serversPerEarlyKill, using: &random) == 0 {
      wait(seconds: Double.random(in: 0...TortureLimits.earlySeconds, using: &random)) { server.status != nil }
      return
    }
    let patience = System.now() + UInt64(BenchLimits.readySeconds * 1e9)
    while !server.isReady, server.status == nil {
      guard System.now() < patience else { throw server.failure("mana-server is not ready after a long time") }
      System.sleep(nanoseconds: TortureLimits.lookNanoseconds)
    }
    let longest = server.hasFault ? TortureLimits.faultyLifeSeconds : TortureLimits.lifeSeconds
    wait(seconds: Double.random(in: 0...longest, using: &random)) { server.status != nil }
  }

  /// Kills a server, unless a fault has ended it already, or cuts its disk's power, and counts.
  private mutating func endLife(of server: TorturedServer, on place: TorturedServer.Place) throws(BenchError) {
    if let disk = place.disk, server.status == nil {
      totals.powerCuts += 1
      if !server.isReady { totals.powerCutsBeforeReady += 1 }
      try disk.cut()
      // It may have noticed, and ended by itself.
      server.crash()
      return try disk.restore()
    }
    let status = server.status
    if status == nil {
      totals.kills += 1
      if !server.isReady { totals.killsBeforeReady += 1 }
      server.crash()
    }
    guard let fault = server.fault else {
      guard let status else { return }
      throw server.failure("mana-server ended by itself with status \(status)")
    }
    let happened = server.takeFaultCount()
    let ended = status == nil ? 0 : 1
    totals.faults[fault.name, default: .init()] =
      totals.faults[fault.name, default: .init()] + .init(servers: 1, happened: happened, ended: ended)
    guard let status else { return }
    guard status == TortureLimits.diskFailureStatus else {
      throw server.failure("mana-server ended with status \(status) when \(fault.name)")
    }
  }

  /// Waits for the load's own comparison.
  private mutating func judge(_ load: ChildProcess) throws(BenchError) {
    do throws(BenchError) {
      let verified = try VerifiedLoad(json: try load.finish(atMostSeconds: TortureLimits.verdictSeconds))
      totals.add(verified)
    } catch {
      // On a busy machine a load may not even have begun when its first server is killed.
      let cuts = [
        "was cut while the accounts were created", "was cut during the verification", "No Mana ledger answers at",
      ]
      guard load.status == TortureLimits.loadCutStatus, cuts.contains(where: load.errors.contains) else { throw error }
      totals.roundsWithoutVerdict += 1
    }
  }

  private func wait(seconds: Double, until condition: () -> Bool) {
    let end = System.now() + UInt64(seconds * 1e9)
    while System.now() < end, !condition(), !System.interrupted {
      System.sleep(nanoseconds: min(TortureLimits.lookNanoseconds, end &- System.now()))
    }
  }
}

/// Numbers from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
