import ManaProtocol

/// What the checker found wrong.
package struct HistoryFinding: Error, CustomStringConvertible {
  package enum Rule: String, Sendable {
    /// Acknowledged, or shown to a reader, and not in the history.
    case lost
    /// One transaction twice, or two answers that both claim to have applied it.
    case doubled
    /// In the history, and nobody sent it like this.
    case unasked
    /// Sequence numbers with a gap, or times that do not increase.
    case outOfOrder
    /// A balance that is not the sum of what came before.
    case wrongBalance
    /// An answer that says something else than the history.
    case wrongAnswer
    /// A refusal, a repetition or a read that no state of the account explains that it can have seen.
    case unjustified
    /// A part of an atomic batch.
    case partOfAtomic
    /// A settlement whose time passed long ago, and no refund.
    case timeoutForgotten
  }

  package let rule: Rule
  package let account: UInt128
  package let message: String

  package var description: String { "\(rule.rawValue): account \(account): \(message)" }
}

/// All that the outside knows of a ledger's life: what was asked and answered, and what its histories hold at the end.
package struct LedgerRecord {
  /// Everything that was ever sent.
  package var requests: [SimulatedRequest]
  /// The whole history of each account that has one.
  package var histories: [UInt128: [ReferenceTransaction]]
  /// The server's clock at the end, when it had had time to do what was due; 0 when that is not known.
  package var endTime: UInt64

  package init(requests: [SimulatedRequest], histories: [UInt128: [ReferenceTransaction]], endTime: UInt64 = 0) {
    self.requests = requests
    self.histories = histories
    self.endTime = endTime
  }

  /// Holds every account against what was asked and answered. Throws the first `HistoryFinding`.
  package func check(timeoutID: @escaping @Sendable (UInt128) -> UInt128) throws {
    var evidence: [UInt128: AccountEvidence] = [:]
    for request in requests where request.firstSent != nil {
      try AccountEvidence.collect(request, into: &evidence)
    }
    for account in Set(evidence.keys).union(histories.keys).sorted() {
      let checker = AccountChecker(
        account: account, history: histories[account] ?? [],
        evidence: evidence[account] ?? AccountEvidence(), timeoutID: timeoutID)
      try checker.check(endTime: endTime)
    }
  }
}
