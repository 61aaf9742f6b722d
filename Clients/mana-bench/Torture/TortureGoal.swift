/// When a torture has gone on for long enough: after a time, or once so many servers were killed and so many disks cut.
struct TortureGoal {
  /// Without counts how long it goes on, with counts the longest that reaching them may take.
  var seconds: Double
  /// Nil when only the time counts.
  var kills: Int?
  var cuts: Int?

  private var hasCounts: Bool { kills != nil || cuts != nil }

  private func lacksKills(_ totals: TortureTotals) -> Bool { totals.kills < kills ?? 0 }
  private func lacksCuts(_ totals: TortureTotals) -> Bool { totals.powerCuts < cuts ?? 0 }

  /// Whether all counts are reached; with none, only the time ends it.
  func isReached(_ totals: TortureTotals) -> Bool { hasCounts && !lacksKills(totals) && !lacksCuts(totals) }

  /// Whether the ledger with that number, from 1, lies on the disk whose power is cut: every other one, and once one
  /// count is reached, what the other one takes.
  func takesDisk(_ ledger: Int, _ totals: TortureTotals) -> Bool {
    guard hasCounts, lacksKills(totals) != lacksCuts(totals) else { return ledger.isMultiple(of: 2) }
    return lacksCuts(totals)
  }

  /// Whether another load on the present ledger serves a count that is not reached.
  func isOpen(onDisk: Bool, _ totals: TortureTotals) -> Bool {
    !hasCounts || (onDisk ? lacksCuts(totals) : lacksKills(totals))
  }

  /// What a run has not reached; nil when nothing is missing. Kills say nothing without a load that was verified.
  func missing(_ totals: TortureTotals) -> String? {
    if totals.rounds == 0 { return "nothing was found, and nothing was verified: no load got to its end" }
    guard lacksKills(totals) || lacksCuts(totals) else { return nil }
    return "nothing was found, but not enough was tried in \(Int(seconds)) s: \(totals.kills) of \(kills ?? 0) kills, "
      + "\(totals.powerCuts) of \(cuts ?? 0) power cuts"
  }

  /// What one of several lanes is told, so that all together reach the goal.
  func arguments(ofOneOf lanes: Int) -> [String] {
    var arguments = ["--minutes", "\(seconds / 60)"]
    for (name, count) in [("--kills", kills), ("--cuts", cuts)] {
      if let count { arguments += [name, "\((count + lanes - 1) / lanes)"] }
    }
    return arguments
  }
}
