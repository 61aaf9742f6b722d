package import ManaProtocol

/// A request of a simulated client, sent as often as it takes to learn its fate, and what came back.
package final class SimulatedRequest {
  package enum Content {
    case post(ItemBatch)
    case overview(UInt128)
    case list(HistoryQuestion)
    case unsettled(account: UInt128, start: UInt64, limit: Int)
    case lookup(account: UInt128, id: UInt128)
    case balance(account: UInt128, time: UInt64)
    case ping
    case status
  }

  /// A reply that says how the request ended: `ok` with a body, or a status that is final.
  package struct Answer {
    /// When the request was first sent and when this came, in steps of the simulation.
    package var invoked: Int
    package var answered: Int
    package var status: Status
    package var body: [UInt8]

    package init(invoked: Int, answered: Int, status: Status, body: [UInt8]) {
      self.invoked = invoked
      self.answered = answered
      self.status = status
      self.body = body
    }
  }

  package let number: Int
  package let content: Content
  package let opcode: Opcode
  package let body: [UInt8]
  /// The step of the first attempt.
  package var firstSent: Int?
  package var attempts = 0
  /// Replies of any kind: each ends one attempt.
  package var replies = 0
  /// All that came; one with items that a full disk refused says something, and is not the last word.
  package var answers: [Answer] = []
  package var isAnswered = false
  /// Nobody will ask again: its fate stays unknown unless there is an answer.
  package var isGivenUp = false

  package init(number: Int, _ content: Content) {
    self.number = number
    self.content = content
    (opcode, body) = Self.encode(content)
  }

  package var isDone: Bool { isGivenUp || isAnswered }

  /// Whether a client may forget about it: what leaves no trace in a history must be driven to its end, or the checker
  /// could not know of it.
  package var mayBeGivenUp: Bool {
    guard case .post(let batch) = content else { return true }
    return batch.drafts.allSatisfy { draft in
      draft.item.type & 0xF != TransactionType.settlement.rawValue && !draft.item.flags.contains(.voidIfUnknown)
    }
  }

  /// Whether a copy may have been executed that nobody was told of: what leaves no trace has to be asked for once more,
  /// when no copy can be under way any more. A server reads to its end what a caller sent who has hung up.
  package var isDoubtful: Bool { firstSent != nil && !mayBeGivenUp && attempts > replies }

  private static func encode(_ content: Content) -> (Opcode, [UInt8]) {
    func bytes(_ count: Int, _ store: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
      var result = [UInt8](repeating: 0, count: count)
      result.withUnsafeMutableBytes { store($0.baseAddress!) }
      return result
    }
    switch content {
    case .post(let batch):
      let opcode: Opcode =
        switch batch.itemType {
        case .spend: .spend
        case .purchase: .purchase
        case .refund: .refund
        case .bonus: .bonus
        case .settlement: .settle
        case nil: .post
        }
      return (opcode, BatchBuilder(batch).body)
    case .overview(let account): return (.getAccount, bytes(16) { $0.store(u128: account, 0) })
    case .list(let question):
      let end = HistoryQuery.fixedBytes + question.reference.count
      var body = bytes(paddedToWords(end)) { question.query.store(to: $0, referenceBytes: question.reference.count) }
      body.replaceSubrange(HistoryQuery.fixedBytes..<end, with: question.reference)
      return (.listTransactions, body)
    case .unsettled(let account, let start, let limit):
      return (
        .listUnsettled,
        bytes(32) {
          $0.store(u128: account, 0)
          $0.store(u64: start, 16)
          $0.store(u32: UInt32(limit), 24)
        }
      )
    case .lookup(let account, let id):
      return (
        .lookupTransaction,
        bytes(LookupReplyView.requestBytes) {
          $0.store(u128: account, 0)
          $0.store(u128: id, 16)
        }
      )
    case .balance(let account, let time):
      return (
        .balanceAt,
        bytes(BalanceAt.requestBytes) {
          $0.store(u128: account, 0)
          $0.store(u64: time, 16)
        }
      )
    case .ping: return (.ping, [1, 2, 3, 4, 5, 6, 7, 8])
    case .status: return (.serverStatus, [])
    }
  }
}

extension SimulatedRequest {
  /// The results of an answer, one an item; nil when the answer is a refusal of the whole request.
  package static func results(in answer: Answer) -> [ItemResult]? {
    guard answer.status == .ok else { return nil }
    return answer.body.withUnsafeBytes { body in
      guard let view = try? BatchReplyView(reading: body) else { return nil }
      let results = (0..<view.count).compactMap { view[$0] }
      return results.count == view.count ? results : nil
    }
  }
}
