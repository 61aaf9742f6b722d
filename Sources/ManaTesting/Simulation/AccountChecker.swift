import ManaProtocol

/// Holds one account's history against everything that was asked and answered.
///
/// The history gives the order of what was applied; settlements and tombstones, which are not in it, come in by their
/// timestamps. The reference ledger goes through that order once. Each answer that was not itself an application must
/// then be what the reference says in some state that the request can have met: not before what had been answered when
/// it was sent, not behind what was sent after its answer, and not before what an earlier answer has shown.
struct AccountChecker {
  /// Something that was applied, in order.
  struct Effect {
    enum Content {
      /// The index in the history.
      case transaction(Int)
      case aside(ItemDraft)
    }

    let content: Content
    let timestamp: UInt64
  }

  let account: UInt128
  let history: [ReferenceTransaction]
  let evidence: AccountEvidence
  /// What `evidence` has of applied items, by their ids.
  let applied: [UInt128: [AccountEvidence.Applied]]
  var reference: ReferenceLedger
  var effects: [Effect] = []
  /// By effect: the first step at which somebody knew of it; when it was first sent.
  var known: [Int] = []
  var firstSent: [Int] = []

  init(
    account: UInt128, history: [ReferenceTransaction], evidence: AccountEvidence,
    timeoutID: @escaping @Sendable (UInt128) -> UInt128
  ) {
    self.account = account
    self.history = history
    self.evidence = evidence
    applied = Dictionary(grouping: evidence.applied) { $0.draft.item.id }
    reference = ReferenceLedger(timeoutID: timeoutID)
  }

  func check(endTime: UInt64) throws {
    try checkShape()
    try checkApplied()
    try checkAtomics()
    var first: (any Error)?
    for asides in asideChoices() {
      var attempt = self
      do {
        try attempt.replay(asides, endTime: endTime)
        return
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }

  private mutating func replay(_ asides: [UInt64: ItemDraft], endTime: UInt64) throws {
    effects = history.indices.map { Effect(content: .transaction($0), timestamp: history[$0].timestamp) }
    effects += asides.map { Effect(content: .aside($0.value), timestamp: $0.key) }
    effects.sort { $0.timestamp < $1.timestamp }
    try dateEffects()
    try sweep()
    try checkEnd(endTime)
  }

  func finding(_ rule: HistoryFinding.Rule, _ message: String) -> HistoryFinding {
    HistoryFinding(rule: rule, account: account, message: message)
  }

  // MARK: The history by itself

  private func checkShape() throws {
    var ids: Set<UInt128> = []
    var balance: Int64 = 0
    var time: UInt64 = 0
    for (index, transaction) in history.enumerated() {
      let item = transaction.shown.item
      guard ids.insert(item.id).inserted else { throw finding(.doubled, "transaction \(item.id) appears twice") }
      guard Int(transaction.sequence) == index + 1 else {
        throw finding(.outOfOrder, "sequence number \(transaction.sequence) stands at place \(index + 1)")
      }
      guard transaction.timestamp > time else {
        throw finding(.outOfOrder, "the time goes back at sequence number \(index + 1)")
      }
      time = transaction.timestamp
      balance += transaction.type == .spend ? -Int64(item.amount) : Int64(item.amount)
      guard balance == transaction.balanceAfter, balance >= 0 else {
        throw finding(
          .wrongBalance, "after \(index + 1) transactions it is \(transaction.balanceAfter), their sum is \(balance)")
      }
    }
  }

  // MARK: What was acknowledged

  private func checkApplied() throws {
    var claims: [UInt128: Int] = [:]
    for applied in evidence.applied {
      let item = applied.draft.item
      if let other = claims.updateValue(applied.request, forKey: item.id) {
        throw finding(.doubled, "requests \(other) and \(applied.request) both were told that they applied \(item.id)")
      }
      let sequence = Int(applied.result.sequence)
      guard sequence > 0 else { continue }
      guard sequence <= history.count, history[sequence - 1].shown.item.id == item.id else {
        throw finding(.lost, "\(item.id) of request \(applied.request) was acknowledged with number \(sequence)")
      }
      let shown = history[sequence - 1]
      guard shown.shown.item.amount == applied.result.amount,
        !applied.isFull
          || (applied.result.balance == shown.balanceAfter && applied.result.timestamp == shown.timestamp)
      else {
        throw finding(.wrongAnswer, "request \(applied.request) was told \(applied.result), the history has \(shown)")
      }
    }
  }

  private func checkAtomics() throws {
    let present = Set(history.map(\.shown.item.id))
    for atomic in evidence.atomics {
      // Ids that other requests brought as well say nothing about this one.
      let own = atomic.ids.filter { id in
        evidence.sent[id]!.allSatisfy { sent in
          sent.request == atomic.request && sent.draft.item.type != TransactionType.settlement.rawValue
            && !sent.draft.item.flags.contains(.voidIfUnknown)
        }
      }
      let found = own.count { present.contains($0) }
      guard found == 0 || (found == own.count && own.count == Set(own).count) else {
        throw finding(.partOfAtomic, "\(found) of \(own.count) items of request \(atomic.request) are there")
      }
    }
  }

  // MARK: The order of everything

  /// What was applied and left no transaction, by its time: known by an answer that says that it was new. When that
  /// answer was lost, it is one of those that were answered with this time later, since settling again with the same
  /// outcome is answered like the first; then there are several choices, of which one has to explain everything.
  private func asideChoices() -> [[UInt64: ItemDraft]] {
    var candidates: [UInt64: [ItemDraft]] = [:]
    for observation in evidence.observations {
      guard case .item(let draft, _, let result, true) = observation.content, result.status == .ok,
        result.sequence == 0, candidates[result.timestamp]?.contains(draft) != true
      else { continue }
      candidates[result.timestamp, default: []].append(draft)
    }
    for applied in evidence.applied where applied.result.sequence == 0 && applied.isFull {
      candidates[applied.result.timestamp] = [applied.draft]
    }
    // What was sent first is the likeliest; then one of the unlikely ones, then two of them.
    let sorted = candidates.mapValues { drafts in
      withoutContradictions(drafts).sorted {
        evidence.firstSent($0.item.id) < evidence.firstSent($1.item.id)
      }
    }
    let likeliest = sorted.mapValues { $0[0] }
    var others: [(time: UInt64, draft: ItemDraft)] = []
    for (time, drafts) in sorted.sorted(by: { $0.key < $1.key }) { others += drafts.dropFirst().map { (time, $0) } }
    others += unanswered(beside: candidates)
    var choices = [likeliest]
    for one in others { choices.append(likeliest.merging([one.time: one.draft]) { $1 }) }
    for (index, one) in others.enumerated() {
      for other in others[(index + 1)...] where other.time != one.time {
        choices.append(likeliest.merging([one.time: one.draft, other.time: other.draft]) { $1 })
      }
    }
    return choices
  }

  /// The candidates of one time without those of which another with the same id differs: had one of them been applied,
  /// the other would have been a conflict. All of them when none is left: then something else is wrong.
  private func withoutContradictions(_ drafts: [ItemDraft]) -> [ItemDraft] {
    guard drafts.count > 1 else { return drafts }
    let consistent = drafts.filter { draft in
      !drafts.contains { $0.item.id == draft.item.id && $0 != draft } && evidence.mayBeAccepted(draft, as: 0)
    }
    return consistent.isEmpty ? drafts : consistent
  }

  /// Settlements that may have been applied although no answer ever said so, because their client gave up: of the same
  /// spend as one that was answered with that time.
  private func unanswered(beside candidates: [UInt64: [ItemDraft]]) -> [(time: UInt64, draft: ItemDraft)] {
    candidates.sorted { $0.key < $1.key }.flatMap { time, drafts in
      evidence.sent.values.joined().map(\.draft).filter { draft in
        draft.item.type == TransactionType.settlement.rawValue && draft.item.related == drafts[0].item.related
          && !drafts.contains(draft)
      }
      .sorted { $0.item.id < $1.item.id }.map { (time, $0) }
    }
  }

  /// When each effect was first sent and first known of.
  private mutating func dateEffects() throws {
    known = [Int](repeating: .max, count: effects.count)
    firstSent = [Int](repeating: 0, count: effects.count)
    var byTime: [UInt64: Int] = [:]
    var bySequence: [Int: Int] = [:]
    for (index, effect) in effects.enumerated() {
      byTime[effect.timestamp] = index
      switch effect.content {
      case .transaction(let place):
        bySequence[place + 1] = index
        firstSent[index] = evidence.firstSent(history[place].shown.item.id)
      case .aside(let draft):
        firstSent[index] = evidence.firstSent(draft.item.id)
      }
    }
    func note(_ index: Int?, _ step: Int) {
      if let index { known[index] = min(known[index], step) }
    }
    for applied in evidence.applied {
      note(
        applied.result.sequence > 0 ? bySequence[Int(applied.result.sequence)] : byTime[applied.result.timestamp],
        applied.answered)
    }
    for observation in evidence.observations {
      switch observation.content {
      case .item(_, _, let result, _) where result.status == .ok && result.sequence > 0:
        guard Int(result.sequence) <= history.count else {
          throw finding(.lost, "request \(observation.request) was shown number \(result.sequence), which is not there")
        }
        note(bySequence[Int(result.sequence)], observation.answered)
      case .read(let content, .ok, let body):
        let count = ReadAnswer.transactionsShown(by: content, body)
        guard count <= history.count else {
          throw finding(.lost, "request \(observation.request) read \(count) transactions of \(history.count)")
        }
        if count > 0 { note(bySequence[count], observation.answered) }
      default: break
      }
    }
    // Who knows of one knows of all before it.
    for index in known.indices.dropLast().reversed() { known[index] = min(known[index], known[index + 1]) }
    for index in firstSent.indices.dropFirst() { firstSent[index] = max(firstSent[index], firstSent[index - 1]) }
  }
}
