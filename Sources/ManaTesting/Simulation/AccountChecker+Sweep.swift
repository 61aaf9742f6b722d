import ManaProtocol

extension AccountChecker {
  /// An answer that waits for a state that explains it.
  private struct Pending {
    let observation: AccountEvidence.Observation
    /// The numbers of effects behind which it can have been made.
    let lowest: Int
    let highest: Int
  }

  /// Goes through all states of the account, oldest first, and lets each explain what it can.
  mutating func sweep() throws {
    var starting = [[Pending]](repeating: [], count: effects.count + 1)
    for observation in evidence.observations {
      // Steps only grow: `known` and `firstSent` are sorted.
      let lowest = known.count { $0 <= observation.invoked }
      let highest = firstSent.firstIndex { $0 > observation.answered } ?? effects.count
      guard lowest <= highest else {
        throw finding(.outOfOrder, "what request \(observation.request) met was applied in another order than sent")
      }
      starting[lowest].append(Pending(observation: observation, lowest: lowest, highest: highest))
    }
    var pending: [Pending] = []
    for count in 0...effects.count {
      pending += starting[count]
      explain(&pending)
      if let overdue = pending.first(where: { $0.highest == count }) {
        // One that was answered before this was sent has to be explained first, and then may be what is wrong.
        let first = pending.min { $0.observation.answered < $1.observation.answered }!
        let isBehind = first.observation.answered < overdue.observation.invoked
        throw finding(
          .unjustified, describe(overdue) + (isBehind ? "; before it had to be explained: \(describe(first))" : ""))
      }
      if count < effects.count { try apply(effects[count]) }
    }
  }

  private func describe(_ pending: Pending) -> String {
    let observation = pending.observation
    var text =
      "request \(observation.request), sent at step \(observation.invoked) and answered at \(observation.answered), "
      + "behind \(pending.lowest) to \(pending.highest) of \(effects.count) effects: \(observation.content)"
    if case .item(let draft, _, _, _) = observation.content {
      text += "; its id came in requests \((evidence.sent[draft.item.id] ?? []).map(\.request))"
    }
    if pending.highest < effects.count {
      text += "; effect \(pending.highest), first sent at \(firstSent[pending.highest]): \(effects[pending.highest])"
    }
    return text
  }

  /// Drops the answers that the present state explains. One that was asked for after another had been answered has to
  /// wait until that one is explained: nobody goes back in time.
  private func explain(_ pending: inout [Pending]) {
    while true {
      let earliest = pending.map(\.observation.answered).min() ?? 0
      let before = pending.count
      pending.removeAll { $0.observation.invoked <= earliest && explains($0.observation) }
      if pending.count == before { return }
    }
  }

  private func explains(_ observation: AccountEvidence.Observation) -> Bool {
    switch observation.content {
    case .item(let draft, let itemType, let result, let isFull):
      // What this state would accept would change the probe, and cost a copy of the history: first what is cheap.
      if isFull, result.status != .ok, result.balance != reference.balance(of: account) { return false }
      if result.status == .ok, draft.item.type != TransactionType.settlement.rawValue,
        !reference.hasAccepted(draft.item.id, account: account)
      {
        return false
      }
      var probe = reference
      let expected = probe.post(draft, itemType: itemType, now: reference.lastTimestamp + 1)
      return Self.says(expected, result, isFull: isFull)
    case .atomic(let batch, let results):
      if batch.fullResults, results[0].balance != reference.balance(of: account) { return false }
      var probe = reference
      let expected = probe.post(batch, now: reference.lastTimestamp + 1).results
      return zip(expected, results).allSatisfy { Self.says($0, $1, isFull: batch.fullResults) }
    case .read(let content, let status, let body):
      return ReadAnswer.matches(content, status, body, reference)
    }
  }

  /// Whether a result is the expected one, as far as it says something.
  private static func says(_ expected: ItemResult, _ result: ItemResult, isFull: Bool) -> Bool {
    if isFull { return expected == result }
    return expected.status == result.status && expected.replayed == result.replayed && expected.field == result.field
      && expected.sequence == result.sequence && expected.amount == result.amount
  }

  // MARK: One effect

  private mutating func apply(_ effect: Effect) throws {
    switch effect.content {
    case .transaction(let index): try apply(history[index])
    case .aside(let draft):
      let result = reference.post(draft, itemType: nil, now: effect.timestamp)
      guard result.status == .ok, !result.replayed, result.sequence == 0, result.timestamp == effect.timestamp else {
        throw finding(.unasked, "\(draft.item.id) was answered with time \(effect.timestamp); expected \(result)")
      }
      try compareApplied(draft.item.id, result)
    }
  }

  private mutating func apply(_ shown: ReferenceTransaction) throws {
    let id = shown.shown.item.id
    // Of several that were sent with this id and can be this, first the one that was told that it was applied.
    let acknowledged = Set((applied[id] ?? []).map(\.request))
    let candidates = candidates(for: shown).sorted {
      acknowledged.contains($0.request) && !acknowledged.contains($1.request)
    }
    for candidate in candidates {
      // A copy of the reference costs a whole history; where there is no choice, none is needed.
      let before = candidates.count > 1 ? reference : nil
      let result = reference.post(candidate.draft, itemType: candidate.itemType, now: shown.timestamp)
      if result.status == .ok, !result.replayed, result.sequence == shown.sequence,
        Self.isSame(reference.lastTransaction(of: account), shown)
      {
        return try compareApplied(id, result)
      }
      guard let before else { break }
      reference = before
    }
    if reference.expire(now: shown.timestamp, limit: 1) == 1,
      Self.isSame(reference.lastTransaction(of: account), shown)
    {
      return
    }
    throw finding(.unasked, "\(shown) is not what any of \(candidates.count) requests for it would give")
  }

  /// What was sent with its id and can have become this transaction. A settlement of nothing used and a refund of the
  /// whole spend give the same one: which it was, the spend's last state says, and later answers about the id.
  private func candidates(for shown: ReferenceTransaction) -> [AccountEvidence.Sent] {
    let possible = (evidence.sent[shown.shown.item.id] ?? []).filter { Self.canBe($0.draft, shown) }
    guard possible.count > 1 else { return possible }
    let isSettled =
      history.first { $0.shown.item.id == shown.shown.item.related }?.settlement == .settled
    func settles(_ sent: AccountEvidence.Sent) -> Bool { sent.draft.item.type == TransactionType.settlement.rawValue }
    let agreeing = possible.filter {
      evidence.mayBeAccepted($0.draft, as: shown.sequence) && (isSettled || !settles($0))
    }
    if agreeing.isEmpty { return possible }
    // A spend that waits for its settlement and is refunded never is settled.
    return agreeing.filter(settles) + agreeing.filter { !settles($0) }
  }

  private func compareApplied(_ id: UInt128, _ result: ItemResult) throws {
    for applied in applied[id] ?? [] {
      guard Self.says(result, applied.result, isFull: applied.isFull) else {
        throw finding(.wrongAnswer, "request \(applied.request) was told \(applied.result); expected \(result)")
      }
    }
  }

  /// Whether an item can have become this transaction, by what the state of the account does not change.
  private static func canBe(_ draft: ItemDraft, _ shown: ReferenceTransaction) -> Bool {
    let item = shown.shown.item
    let isSettlement = draft.item.type == TransactionType.settlement.rawValue
    return draft.note == shown.shown.note && draft.reference == shown.shown.reference
      && draft.item.quantity == item.quantity && draft.item.related == item.related
      && (draft.item.type == item.type || (isSettlement && shown.type == .refund))
  }

  /// The same but for what later transactions change of a spend.
  private static func isSame(_ first: ReferenceTransaction?, _ second: ReferenceTransaction) -> Bool {
    guard var first else { return false }
    first.refunded = second.refunded
    first.settlement = second.settlement
    return first == second
  }

  // MARK: The end

  func checkEnd(_ endTime: UInt64) throws {
    let expected = reference.transactions(of: account)
    for (expected, shown) in zip(expected, history) where expected != shown {
      throw finding(.wrongAnswer, "at the end the history has \(shown); expected \(expected)")
    }
    guard endTime > 0 else { return }
    if let due = reference.nextDeadline, due < endTime {
      throw finding(.timeoutForgotten, "a settlement's time passed at \(due); it is \(endTime)")
    }
  }
}
