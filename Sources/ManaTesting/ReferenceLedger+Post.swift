public import ManaProtocol

/// What became of a batch.
public struct PostReport: Equatable, Sendable {
  public var results: [ItemResult]
  /// Results with status `ok` and not replayed.
  public var posted: Int { results.count { $0.status == .ok && !$0.replayed } }
  /// Results with status `ok` and replayed.
  public var replayed: Int { results.count { $0.status == .ok && $0.replayed } }
  /// Results with any other status.
  public var refused: Int { results.count { $0.status != .ok } }

  public init(results: [ItemResult]) { self.results = results }

  /// The results in the layout of the wire, `stride` bytes each.
  public func encoded(stride: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: results.count * stride)
    bytes.withUnsafeMutableBytes { buffer in
      for (index, result) in results.enumerated() {
        result.store(to: buffer.baseAddress! + index * stride, stride: stride)
      }
    }
    return bytes
  }
}

extension ReferenceLedger {
  /// Applies a batch at the time `now`, in nanoseconds since 1970. The results are full ones, whatever was asked for.
  public mutating func post(_ batch: ItemBatch, now: UInt64) -> PostReport {
    guard batch.atomic else {
      return PostReport(results: batch.drafts.map { post($0, itemType: batch.itemType, now: now) })
    }
    let before = Before(batch, in: self)
    var results: [ItemResult] = []
    for (index, draft) in batch.drafts.enumerated() {
      var result = post(draft, itemType: batch.itemType, now: now)
      if mixesReplays(result, after: results) { result = ItemResult(status: .idConflict) }
      if result.status != .ok {
        restore(before)
        return refusedAtomically(batch, first: index, result)
      }
      results.append(result)
    }
    return PostReport(results: results)
  }

  /// Applies one item.
  mutating func post(_ draft: ItemDraft, itemType: TransactionType?, now: UInt64) -> ItemResult {
    let balance = balance(of: draft.item.account)
    if let status = statelessRefusal(of: draft, itemType: itemType) {
      return ItemResult(status: status, balance: balance)
    }
    if let known = answerToKnownID(draft) { return known }
    let outcome: ItemResult
    switch TransactionType(rawValue: draft.item.type)! {
    case .spend: outcome = spend(draft, now: now)
    case .purchase, .bonus: outcome = credit(draft, now: now)
    case .refund: outcome = refund(draft, now: now)
    case .settlement: outcome = settle(draft, now: now)
    }
    if outcome.status == .ok { return outcome }
    return ItemResult(status: outcome.status, balance: balance, refundable: outcome.refundable)
  }

  /// "If items of an atomic batch are replays, all of them must be": the first item that is a replay when the ones
  /// before it are not, or the other way round, is refused as an `idConflict` in which no field differs.
  private func mixesReplays(_ result: ItemResult, after earlier: [ItemResult]) -> Bool {
    guard result.status == .ok, let first = earlier.first else { return false }
    return result.replayed != first.replayed
  }

  private func refusedAtomically(_ batch: ItemBatch, first index: Int, _ refusal: ItemResult) -> PostReport {
    var results = batch.drafts.map { draft in
      ItemResult(status: .notApplied, balance: balance(of: draft.item.account))
    }
    results[index].status = refusal.status
    results[index].field = refusal.field
    return PostReport(results: results)
  }
}

extension ReferenceLedger {
  /// What can be said about an item without knowing any account: statuses 1 to 14 in their order.
  func statelessRefusal(of draft: ItemDraft, itemType: TransactionType?) -> Status? {
    let item = draft.item
    guard let type = TransactionType(rawValue: item.type) else { return .unknownType }
    if let itemType, type != itemType { return .typeMismatch }
    // Operation 0 belongs to settlements alone.
    if item.operation > 8 || (item.operation == 0 && type != .settlement) { return .unknownOperation }
    if !Self.operations(of: type).contains(item.operation) { return .operationMismatch }
    if !item.flags.isSubset(of: Self.flags(of: type)) { return .reservedFlag }
    if item.id == 0 { return .idMissing }
    if item.account == 0 { return .accountMissing }
    let names = type == .refund || type == .settlement
    let unsettled = item.flags.contains(.unsettled)
    if names && item.related == 0 { return .relatedMissing }
    if !names && !unsettled && item.related != 0 { return .relatedNotAllowed }
    if unsettled && !(1_000...2_592_000_000).contains(item.related) { return .settlementTimeoutOutOfRange }
    let remaining = item.flags.contains(.remaining)
    if item.amount == 0 && !remaining && type != .settlement { return .amountZero }
    if item.amount != 0 && remaining { return .amountNotAllowed }
    if item.amount > 1 << 63 - 1 { return .amountTooLarge }
    for text in [draft.reference, draft.note] where String(validating: text, as: UTF8.self) == nil {
      return .textInvalid
    }
    return nil
  }

  private static func operations(of type: TransactionType) -> ClosedRange<UInt8> {
    switch type {
    case .spend: 1...5
    case .purchase: 6...6
    case .refund: 7...7
    case .bonus: 8...8
    case .settlement: 0...0
    }
  }

  private static func flags(of type: TransactionType) -> ItemFlags {
    switch type {
    case .spend: .unsettled
    case .refund: [.remaining, .voidIfUnknown]
    case .settlement: .remaining
    case .purchase, .bonus: []
    }
  }

  /// The answer to an item whose id the account has seen accepted: the result of that time, or an `idConflict`.
  /// Nil when the id is new.
  func answerToKnownID(_ draft: ItemDraft) -> ItemResult? {
    guard let account = accounts[draft.item.account], let known = account.accepted[draft.item.id] else { return nil }
    if let field = Self.firstDifference(draft, known.sent) {
      return ItemResult(status: .idConflict, field: field, balance: account.balance)
    }
    var result = known.result
    result.replayed = true
    // What *can still* be refunded is what can be refunded now, also in the answer to a repetition.
    result.refundable = known.spend.map { account.transactions[$0].refundable } ?? 0
    return result
  }

  /// Items are compared as they were sent: a refund of all the rest differs from one of the same amount in its amount.
  static func firstDifference(_ first: ItemDraft, _ second: ItemDraft) -> ConflictField? {
    if first.item.type != second.item.type { return .type }
    if first.item.operation != second.item.operation { return .operation }
    if first.item.amount != second.item.amount { return .amount }
    if first.item.quantity != second.item.quantity { return .quantity }
    if first.item.related != second.item.related { return .related }
    if first.item.flags != second.item.flags { return .flags }
    if first.reference != second.reference { return .reference }
    if first.note != second.note { return .note }
    return nil
  }
}
