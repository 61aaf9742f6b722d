import ManaClient
import ManaProtocol

/// Transactions of a file that travel together, and the lines they come from.
final class PostBatch: Sendable {
  let batch: Batch
  /// The line of each transaction.
  let lines: [Int]

  init(_ batch: consuming Batch, lines: [Int]) {
    self.batch = batch
    self.lines = lines
  }
}

/// Collects transactions of some accounts until they fill a batch. Used by one task.
final class PostLane {
  private var batch = Batch(capacity: Limits.itemsMax)
  private var lines: [Int] = []
  /// Whether a batch of this lane is not answered yet.
  var isInFlight = false

  var isFull: Bool { lines.count >= Limits.itemsMax }
  var isEmpty: Bool { lines.isEmpty }

  /// Encodes a transaction with the id that the file gives it, or that follows from its line. Constant time.
  func append(_ line: PostLine, derivation: IDDerivation) throws(ManaError) {
    let id = TransactionID(line.id ?? derivation.id(ofLine: line.line))
    let account = AccountID(line.account)
    let amount = Mana(micromana: Int64(line.amount))
    let quantity = Int(line.quantity)
    let reference = line.reference.isEmpty ? nil : String(decoding: line.reference, as: UTF8.self)
    let note = line.note.isEmpty ? nil : String(decoding: line.note, as: UTF8.self)
    switch line.type {
    case .purchase:
      try batch.purchase(account, amount, quantity: quantity, id: id, reference: reference, note: note)
    case .bonus:
      try batch.bonus(account, amount, quantity: quantity, id: id, reference: reference, note: note)
    case .refund:
      try batch.refund(
        account, of: TransactionID(line.related), amount: amount, id: id, reference: reference, note: note)
    case .spend, .settlement:
      try batch.spend(
        account, amount, for: line.operation, quantity: quantity, id: id, reference: reference, note: note)
    }
    lines.append(line.line)
  }

  /// Hands out what was collected and begins anew.
  func take() -> PostBatch {
    var taken = Batch(capacity: Limits.itemsMax)
    swap(&batch, &taken)
    defer { lines = [] }
    return PostBatch(taken, lines: lines)
  }
}
