/// What can go wrong in the simulated world. Each kind is counted where it happens, so that a run can tell whether it
/// was tried at all.
package enum FaultKind: Int, CaseIterable, Sendable {
  // The process and the power.
  case processKill, powerCut, crashInRecovery, crashInCreation, crashInSegmentMaking, crashBetweenWriteAndSync
  case crashInCheckpoint
  // What a power cut leaves of what was not synced.
  case tornWrite, unsyncedWriteLost, unsyncedWriteKept, unsyncedNameLost
  // What the disk reports.
  case writeError, shortWrite, syncError, readError, shortRead, nameError, diskFull
  // What it does to a block that is read back while the server runs: any of the errors, or an older version.
  case readBackFailure
  // What it does while a checkpoint is made, and to one that a start then passes over.
  case checkpointFailure, checkpointPassedOver
  // What it does not report.
  case bitFlip, lostWrite, misplacedWrite, repeatedWrite, syncLie, staleRead
  // A new id has the hash of one whose record is not in memory.
  case hashCollision
  // The clock.
  case clockBack, clockForward
  // The network.
  case connectionCut, connectionHalfClosed, deliverySplit, deliveryCoalesced, deliveryDelayed, slowReader, wireBitFlip
  case acceptFailure, retryAfterCut, retryWhileInFlight, requestGivenUp
  // The operator.
  case orderlyEnd

  package var name: String { "\(self)" }

  /// The disk said nothing and did something else: the next start, or else the checker, must notice a loss.
  package var isSilent: Bool {
    switch self {
    case .bitFlip, .lostWrite, .misplacedWrite, .repeatedWrite, .syncLie, .staleRead: true
    default: false
    }
  }
}

/// How often each fault happened, and what came of those that nobody was told of.
package struct FaultCounts: Equatable, Sendable {
  private var counts = [Int](repeating: 0, count: FaultKind.allCases.count)

  package init() {}

  package subscript(kind: FaultKind) -> Int {
    get { counts[kind.rawValue] }
    set { counts[kind.rawValue] = newValue }
  }

  package mutating func add(_ other: FaultCounts) {
    for kind in FaultKind.allCases { self[kind] += other[kind] }
  }

  /// The kinds that never happened.
  package var missing: [FaultKind] { FaultKind.allCases.filter { self[$0] == 0 } }
}
