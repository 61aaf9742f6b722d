import ManaClient
import ManaProtocol

/// A transaction as the command shows it, whether it comes from a history or is what a write has just posted.
struct ShownTransaction: Equatable {
  var id: TransactionID
  var account: AccountID
  var type: TransactionType
  var operation: ManaProtocol.Operation
  /// With the sign of what it does to the balance.
  var change: Mana
  var balanceAfter: Mana
  /// Nil when nothing had to be posted.
  var timestamp: Timestamp?
  var sequence: UInt32
  var quantity = 0
  var related: TransactionID?
  var reference = ""
  var note = ""
  /// Of a write: whether it had been executed before. Nil in a history.
  var replayed: Bool?
}

extension ShownTransaction {
  /// A transaction of a history.
  init(_ transaction: Transaction) {
    self.init(
      id: transaction.id, account: transaction.account, type: transaction.type, operation: transaction.operation,
      change: transaction.change, balanceAfter: transaction.balanceAfter, timestamp: transaction.timestamp,
      sequence: transaction.sequence, quantity: transaction.quantity, related: transaction.related,
      reference: transaction.reference, note: transaction.note)
  }

  /// What a write has posted: the receipt, and what the caller said.
  init(
    _ receipt: Receipt, account: AccountID, operation: ManaProtocol.Operation, quantity: Int = 0,
    related: TransactionID? = nil, reference: String? = nil, note: String? = nil
  ) {
    self.init(
      id: receipt.id, account: account, type: operation.type, operation: operation,
      change: operation.type == .spend ? -receipt.amount : receipt.amount, balanceAfter: receipt.balanceAfter,
      timestamp: receipt.isRecorded ? receipt.timestamp : nil, sequence: receipt.sequence, quantity: quantity,
      related: related, reference: reference ?? "", note: note ?? "", replayed: receipt.replayed)
  }

  /// The JSON object that other programs rely on: keys, order and forms do not change.
  var json: JSONValue {
    .members([
      "id": .text(id), "account": .text(account), "type": .string(type.name), "operation": .string(operation.name),
      "amount": .text(change), "balanceAfter": .text(balanceAfter), "timestamp": timestamp.map(JSONValue.text),
      "sequence": .integer(UInt64(sequence)), "quantity": quantity == 0 ? nil : .integer(UInt64(quantity)),
      "relatedTransaction": related.map(JSONValue.text), "reference": .unlessEmpty(reference),
      "note": .unlessEmpty(note), "replayed": replayed.map(JSONValue.bool),
    ])
  }

  /// What the usage page has in parentheses: how many things the operation made, and the note.
  var detail: String {
    let parts = [quantityText, escapingControls(note)].filter { !$0.isEmpty }
    return parts.isEmpty ? "" : "(\(parts.joined(separator: ", ")))"
  }

  private var quantityText: String {
    guard quantity > 0 else { return "" }
    return switch operation {
    case .combination: "\(quantity) \(quantity == 1 ? "combo" : "combos")"
    case .export: "\(quantity) \(quantity == 1 ? "file" : "files")"
    default: "×\(quantity)"
    }
  }
}
