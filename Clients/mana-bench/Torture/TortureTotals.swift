import FoundationEssentials

/// What a load with `--verify` says at its end, as far as it is used here.
struct VerifiedLoad: Decodable, Equatable {
  struct Verification: Decodable, Equatable {
    var passed: Bool
    var accounts: Int
    var unknownApplied: Int
    var unknownNotApplied: Int
  }

  var accepted: Int
  var reconnections: Int
  var verification: Verification

  /// Throws when it is not such a result.
  init(json: String) throws(BenchError) {
    do {
      self = try JSONDecoder().decode(VerifiedLoad.self, from: Data(json.utf8))
    } catch {
      throw .failed(what: "mana-load printed no result of a verification (\(error))", output: String(json.prefix(200)))
    }
  }
}

/// What was done to the server, and what it had acknowledged meanwhile.
struct TortureTotals: Codable, Equatable {
  /// What a system call that was made to fail did.
  struct Fault: Codable, Equatable {
    /// Servers that ran with it.
    var servers = 0
    /// How often it happened.
    var happened = 0
    /// Servers that ended because of it, with status 74.
    var ended = 0

    static func + (one: Self, other: Self) -> Self {
      Fault(
        servers: one.servers + other.servers, happened: one.happened + other.happened, ended: one.ended + other.ended)
    }
  }

  /// Of each lane.
  var seeds: [UInt64] = []
  /// Each a kill -9, those before the server was ready included.
  var kills = 0
  var killsBeforeReady = 0
  /// Each with the server's end, those before it was ready included.
  var powerCuts = 0
  var powerCutsBeforeReady = 0
  /// Loads that were verified to the end.
  var rounds = 0
  /// Loads that were cut before their accounts existed, or in the middle of their verification, or found no server when
  /// they began: they judge nothing.
  var roundsWithoutVerdict = 0
  var acknowledged = 0
  var accountsCompared = 0
  /// Transactions whose reply was lost and that were posted, and those that were not.
  var unknownApplied = 0
  var unknownNotApplied = 0
  var reconnections = 0
  /// By the fault's name.
  var faults: [String: Fault] = [:]

  mutating func add(_ load: VerifiedLoad) {
    rounds += 1
    acknowledged += load.accepted
    reconnections += load.reconnections
    unknownApplied += load.verification.unknownApplied
    unknownNotApplied += load.verification.unknownNotApplied
    accountsCompared += load.verification.accounts
  }

  /// Adds what another lane did.
  mutating func add(_ lane: TortureTotals) {
    seeds += lane.seeds
    kills += lane.kills
    killsBeforeReady += lane.killsBeforeReady
    powerCuts += lane.powerCuts
    powerCutsBeforeReady += lane.powerCutsBeforeReady
    rounds += lane.rounds
    roundsWithoutVerdict += lane.roundsWithoutVerdict
    acknowledged += lane.acknowledged
    accountsCompared += lane.accountsCompared
    unknownApplied += lane.unknownApplied
    unknownNotApplied += lane.unknownNotApplied
    reconnections += lane.reconnections
    faults.merge(lane.faults, uniquingKeysWith: +)
  }

  /// For a terminal.
  var text: String {
    var lines = [
      "seed \(seeds.map(String.init).joined(separator: ", ")): nothing lost, nothing applied twice, no balance wrong",
      "  \(kills) kills, \(killsBeforeReady) of them before the server was ready",
      "  \(powerCuts) power cuts, \(powerCutsBeforeReady) of them before the server was ready",
      "  \(rounds) loads verified, \(roundsWithoutVerdict) cut before their accounts existed or while they verified",
      "  \(acknowledged) transactions acknowledged, \(accountsCompared) accounts compared",
      "  \(unknownApplied + unknownNotApplied) transactions without a reply: \(unknownApplied) posted, "
        + "\(unknownNotApplied) not; \(reconnections) connections made again",
    ]
    for fault in SystemCallFault.all {
      guard let found = faults[fault.name] else { continue }
      lines.append(
        "  \(fault.name): \(found.servers) servers, happened \(found.happened) times, "
          + "ended \(found.ended) of them with status 74")
    }
    return lines.joined(separator: "\n")
  }

  /// For programs: one object on one line.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let data = try? encoder.encode(self) else { preconditionFailure("integers and names are JSON") }
    return String(decoding: data, as: UTF8.self)
  }

  /// What `json` gave. Throws when it is not that.
  init(json: String) throws(BenchError) {
    do {
      self = try JSONDecoder().decode(TortureTotals.self, from: Data(json.utf8))
    } catch {
      throw .failed(what: "a lane printed no totals (\(error))", output: String(json.prefix(200)))
    }
  }

  init(seeds: [UInt64] = []) { self.seeds = seeds }
}
