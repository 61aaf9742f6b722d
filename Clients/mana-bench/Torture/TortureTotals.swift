import FoundationEssentials
import ManaText

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
struct TortureTotals: Equatable {
  /// Loads that were verified to the end.
  var rounds = 0
  /// Loads that were cut before their accounts existed, or in the middle of their verification, or found no server when
  /// they began: they judge nothing.
  var roundsWithoutVerdict = 0
  /// Each a kill -9, those before the server was ready included.
  var kills = 0
  var killsBeforeReady = 0
  /// Each with the server's end, those before it was ready included.
  var powerCuts = 0
  var powerCutsBeforeReady = 0
  /// Servers that ran with a fault, by its name.
  var faultyServers: [String: Int] = [:]
  /// How often it happened.
  var faults: [String: Int] = [:]
  /// Servers that ended because of it, with status 74.
  var faultyEnds: [String: Int] = [:]
  var acknowledged = 0
  var reconnections = 0
  /// Transactions whose reply was lost and that were posted, and those that were not.
  var unknownApplied = 0
  var unknownNotApplied = 0
  var accountsCompared = 0

  mutating func add(_ load: VerifiedLoad) {
    rounds += 1
    acknowledged += load.accepted
    reconnections += load.reconnections
    unknownApplied += load.verification.unknownApplied
    unknownNotApplied += load.verification.unknownNotApplied
    accountsCompared += load.verification.accounts
  }

  /// For a terminal.
  func text(seed: UInt64) -> String {
    var lines = [
      "seed \(seed): nothing lost, nothing applied twice, no balance wrong",
      "  \(kills) kills, \(killsBeforeReady) of them before the server was ready",
      "  \(powerCuts) power cuts, \(powerCutsBeforeReady) of them before the server was ready",
      "  \(rounds) loads verified, \(roundsWithoutVerdict) cut before their accounts existed or while they verified",
      "  \(acknowledged) transactions acknowledged, \(accountsCompared) accounts compared",
      "  \(unknownApplied + unknownNotApplied) transactions without a reply: \(unknownApplied) posted, "
        + "\(unknownNotApplied) not; \(reconnections) connections made again",
    ]
    for fault in SystemCallFault.all {
      guard let servers = faultyServers[fault.name] else { continue }
      lines.append(
        "  \(fault.name): \(servers) servers, happened \(faults[fault.name, default: 0]) times, "
          + "ended \(faultyEnds[fault.name, default: 0]) of them with status 74")
    }
    return lines.joined(separator: "\n")
  }

  /// For programs: one object on one line.
  func json(seed: UInt64) -> String {
    var object = JSONObject()
    object.add("seed", seed)
    object.add("kills", kills)
    object.add("killsBeforeReady", killsBeforeReady)
    object.add("powerCuts", powerCuts)
    object.add("powerCutsBeforeReady", powerCutsBeforeReady)
    object.add("rounds", rounds)
    object.add("roundsWithoutVerdict", roundsWithoutVerdict)
    object.add("acknowledged", acknowledged)
    object.add("accountsCompared", accountsCompared)
    object.add("unknownApplied", unknownApplied)
    object.add("unknownNotApplied", unknownNotApplied)
    object.add("reconnections", reconnections)
    let found = SystemCallFault.all.filter { faultyServers[$0.name] != nil }
    object.add(
      "faults",
      found.map { fault in
        var one = JSONObject()
        one.add("name", fault.name)
        one.add("servers", faultyServers[fault.name, default: 0])
        one.add("happened", faults[fault.name, default: 0])
        one.add("ended", faultyEnds[fault.name, default: 0])
        return one
      })
    return object.description
  }
}
