import Logging
import ManaEventLoop
import ManaJournal
import ManaLedger
import ManaProtocol
import ManaServer
import ManaTesting
import SystemPackage

/// What a simulation found wrong.
struct Failure: Error, CustomStringConvertible {
  let message: String
  var description: String { message }
}

/// One seed's world: a disk, a clock, a network, clients, and the real server among them, which is killed again and
/// again. Everything that happens follows from the seed, one step after the other.
final class Simulation: @unchecked Sendable {
  // Unchecked: it has one thread, which everything that it hands out stays on.
  /// A fault of the server that the simulation has to find, or it proves nothing.
  enum Planted: String, CaseIterable {
    /// Replies leave before their block is durable.
    case earlyReply = "early-reply"
  }

  /// 14 bits instead of 37, some that say which bucket and some that say which table: among a thousand transactions
  /// collisions are common.
  private static let fewHashBits: UInt64 = 0x1F_C000_007F

  /// What a seed's run amounted to.
  struct Outcome {
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    var steps = 0
    var crashes = 0
    var transactions = 0
    var answers = 0
    var counts = FaultCounts()
    /// Made while a server ran, and begun with by a shard that started.
    var checkpoints = 0
    var begunWithCheckpoint = 0
    /// Silent faults that a start refused to serve with.
    var detected = 0
    /// Silent faults to the very last block, which the checker noticed.
    var found = 0
    /// Silent faults that changed nothing that counts.
    var harmless = 0
  }

  /// Crashes of each seed, at least.
  static let crashesMin = 10

  let seed: UInt64
  let tracing: Bool
  let planted: Planted?
  var random: SplitMix64
  var disk: SimulatedDisk
  var server: SteppedServer?
  var clients: [SimulatedClient] = []
  var traffic: Traffic
  var links: [SimulatedLink] = []
  var linkCount = 0
  var step = 0
  var outcome = Outcome()
  /// A journal has failed; the process would have ended there.
  var hasFailed = false
  var isReady = false
  /// Faults are over: what is under way is brought to its end.
  var isCalm = false
  /// When the silent fault that the disk has happened.
  var silentFaultStep: Int?
  var pausedWriter = 0
  var plannedOfStart = 0
  let configuration: ServerConfiguration
  /// Of the hash by which a transaction is found, the bits that count in this world.
  let hashBits: UInt64
  let itemsPerTurn: Int?
  var acknowledgements = Acknowledgements()

  /// - Parameter isAboutSpends: So are all worlds, not only one in a few.
  init(seed: UInt64, tracing: Bool, planted: Planted?, isAboutSpends: Bool = false) {
    self.seed = seed
    self.tracing = tracing
    self.planted = planted
    random = SplitMix64(seed: seed)
    disk = SimulatedDisk(seed: random.next())
    let isAboutSpends = random.chance(1, in: Traffic.worldsAboutSpends) || isAboutSpends
    traffic = Traffic(seed: random.next(), isAboutSpends: isAboutSpends, using: &random)
    var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    var configuration = ServerConfiguration(
      dataDirectory: FilePath("/data"), listen: .tcp(host: "127.0.0.1", port: 7420),
      shards: [1, 1, 2, 3].randomElement(using: &random)!, logger: logger)
    configuration.segmentBytes = JournalLimits.segmentBytesMin
    // Most worlds keep next to nothing in memory, so that the faults of the disk meet reads of the past, too.
    configuration.residentBytesMax = [nil, 0, 0, 2, 6].randomElement(using: &random)!.map {
      $0 * JournalLimits.segmentBytesMin
    }
    configuration.checkpointBytes = [0, 1, 1, 2].randomElement(using: &random)! * JournalLimits.segmentBytesMin
    hashBits = random.chance(1, in: 2) ? .max : Self.fewHashBits
    itemsPerTurn = [nil, 1, 5].randomElement(using: &random)!
    configuration.clock = { machine.wallClock }
    self.configuration = configuration
  }

  /// Runs the seed to its end. Throws what it found.
  func run() throws -> Outcome {
    machine = Machine()
    for number in 0..<Int.random(in: 2...5, using: &random) {
      let client = SimulatedClient(number: number, seed: random.next())
      client.onAnswer = { [unowned self] request in
        outcome.answers += 1
        acknowledgements.note(request, at: step)
        trace("request \(request.number) answered: \(Self.describe(request))")
      }
      clients.append(client)
    }
    let crashes = Self.crashesMin + Int.random(in: 0...4, using: &random)
    while outcome.crashes < crashes {
      try start(isLast: false)
      planFaults()
      let steps = [20, 100, 250, 400].randomElement(using: &random)!
      var done = 0
      while done < steps, isAlive {
        try act()
        done += 1
      }
      crash()
    }
    try finish()
    return outcome
  }

  private static func describe(_ request: SimulatedRequest) -> String {
    let answer = request.answers[request.answers.count - 1]
    guard case .post(let batch) = request.content, let results = SimulatedRequest.results(in: answer) else {
      return answer.status.name
    }
    let items = zip(batch.drafts, results).map { draft, result in
      "\(draft.item.account)/\(draft.item.id) \(result.replayed ? "again " : "")\(result.status.name) \(result.sequence)"
    }
    return (batch.atomic ? "atomic " : "") + items.joined(separator: ", ")
  }

  var isAlive: Bool { server?.isServing == true && !hasFailed && !disk.isOff }

  func trace(_ message: @autoclosure () -> String) {
    if tracing { print("\(step) \(machine.clock / 1_000) µs: \(message())") }
  }

  func mix(_ value: UInt64) { outcome.digest = (outcome.digest ^ value) &* 0x100_0000_01B3 }

  func count(_ kind: FaultKind) {
    outcome.counts[kind] += 1
    trace("\(kind.name)")
  }
}
