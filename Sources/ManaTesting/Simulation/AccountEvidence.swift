import ManaProtocol

/// What is known from the outside about one account.
struct AccountEvidence {
  /// An item as it was sent.
  struct Sent {
    let draft: ItemDraft
    let itemType: TransactionType?
    let firstSent: Int
    let request: Int
  }

  /// An item of which an answer says that it was applied at that time.
  struct Applied {
    let draft: ItemDraft
    let result: ItemResult
    let isFull: Bool
    let request: Int
    let answered: Int
  }

  /// An answer that depends on the state of the account at a moment between two steps.
  struct Observation {
    enum Content {
      case item(ItemDraft, TransactionType?, ItemResult, isFull: Bool)
      case atomic(ItemBatch, [ItemResult])
      case read(SimulatedRequest.Content, Status, [UInt8])
    }

    let content: Content
    let invoked: Int
    let answered: Int
    let request: Int
  }

  /// Items of an atomic batch that only it can have brought about.
  struct AtomicBatch {
    let ids: [UInt128]
    let request: Int
  }

  var sent: [UInt128: [Sent]] = [:]
  var applied: [Applied] = []
  var observations: [Observation] = []
  var atomics: [AtomicBatch] = []

  /// The step at which an id was first sent; 0 when it never was.
  func firstSent(_ id: UInt128) -> Int { sent[id]?.lazy.map(\.firstSent).min() ?? 0 }

  /// Whether every answer to a later item with this one's id agrees with this one being what the id was accepted with,
  /// as the transaction with that sequence number, or 0 when it left none: a repetition is the same, and a conflict is
  /// in the field that it names. Linear in the observations.
  func mayBeAccepted(_ draft: ItemDraft, as sequence: UInt32) -> Bool {
    observations.allSatisfy { observation in
      guard case .item(let other, _, let result, _) = observation.content, other.item.id == draft.item.id else {
        return true
      }
      switch result.status {
      case .ok where result.sequence == sequence && sequence > 0:
        return ReferenceLedger.firstDifference(other, draft) == nil
      case .idConflict where result.field != nil:
        return ReferenceLedger.firstDifference(other, draft) == result.field
      default: return true
      }
    }
  }

  /// Takes what a request and its answers say, account by account.
  static func collect(_ request: SimulatedRequest, into evidence: inout [UInt128: AccountEvidence]) throws {
    guard case .post(let batch) = request.content else {
      guard let account = request.account else { return }
      for answer in request.answers {
        evidence[account, default: AccountEvidence()].observations.append(
          Observation(
            content: .read(request.content, answer.status, answer.body), invoked: answer.invoked,
            answered: answer.answered, request: request.number))
      }
      return
    }
    for draft in batch.drafts where draft.item.account != 0 {
      evidence[draft.item.account, default: AccountEvidence()].sent[draft.item.id, default: []].append(
        Sent(draft: draft, itemType: batch.itemType, firstSent: request.firstSent!, request: request.number))
    }
    if batch.atomic, let account = batch.drafts.first?.item.account {
      evidence[account, default: AccountEvidence()].atomics.append(
        AtomicBatch(ids: batch.drafts.map(\.item.id), request: request.number))
    }
    for answer in request.answers {
      guard answer.status == .ok else { continue }
      guard let results = SimulatedRequest.results(in: answer), results.count == batch.drafts.count else {
        throw HistoryFinding(
          rule: .wrongAnswer, account: 0, message: "request \(request.number) was answered with something else")
      }
      collect(batch, results, answer, request.number, into: &evidence)
    }
  }

  private static func collect(
    _ batch: ItemBatch, _ results: [ItemResult], _ answer: SimulatedRequest.Answer, _ request: Int,
    into evidence: inout [UInt128: AccountEvidence]
  ) {
    if batch.atomic, results.contains(where: { $0.status != .ok }) {
      guard results.allSatisfy({ $0.status.rawValue < Status.bodyChecksumMismatch.rawValue }) else { return }
      evidence[batch.drafts[0].item.account, default: AccountEvidence()].observations.append(
        Observation(
          content: .atomic(batch, results), invoked: answer.invoked, answered: answer.answered, request: request))
      return
    }
    for (draft, result) in zip(batch.drafts, results) where draft.item.account != 0 {
      // A request's status: the part was not executed, which says nothing about the account.
      if result.status.rawValue >= Status.bodyChecksumMismatch.rawValue { continue }
      let account = draft.item.account
      if result.status == .ok, !result.replayed {
        evidence[account, default: AccountEvidence()].applied.append(
          Applied(
            draft: draft, result: result, isFull: batch.fullResults, request: request, answered: answer.answered))
      } else {
        evidence[account, default: AccountEvidence()].observations.append(
          Observation(
            content: .item(draft, batch.itemType, result, isFull: batch.fullResults), invoked: answer.invoked,
            answered: answer.answered, request: request))
      }
    }
  }
}

extension SimulatedRequest {
  /// The account that a read is about.
  var account: UInt128? { content.account }
}

extension SimulatedRequest.Content {
  /// The account that a read is about.
  var account: UInt128? {
    switch self {
    case .overview(let account), .unsettled(let account, _, _), .lookup(let account, _), .balance(let account, _):
      account
    case .list(let question): question.query.account
    case .post, .ping, .status: nil
    }
  }
}
