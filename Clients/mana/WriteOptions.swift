import ArgumentParser
import ManaClient

/// What every write may be given.
struct WriteOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The transaction's id, a UUID or an unsigned integer. Default: a random one.", valueName: "id"),
    transform: parseTransactionID)
  var id: TransactionID?

  @Option(help: ArgumentHelp("Text for people, at most 255 bytes.", valueName: "text"), transform: parseText)
  var note: String?

  /// The id to post with.
  var chosenID: TransactionID { id ?? .random() }
}

/// What a purchase, a bonus, a spend and a refund may be given.
struct ReferenceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp("Text for programs, such as a payment's id, at most 255 bytes.", valueName: "text"),
    transform: parseText)
  var reference: String?
}

extension Console {
  /// Writes what a write has done: one line that has all that a later command needs.
  func posted(_ transaction: ShownTransaction) {
    result(transaction.json, Self.sentence(transaction))
  }

  static func sentence(_ transaction: ShownTransaction) -> String {
    guard transaction.timestamp != nil else {
      return "nothing to post, account \(transaction.account), balance \(transaction.balanceAfter)"
    }
    let replayed = transaction.replayed == true ? ", posted before" : ""
    return "\(transaction.operation.name) \(transaction.change.signedDescription), "
      + "account \(transaction.account), balance \(transaction.balanceAfter), id \(transaction.id)\(replayed)"
  }
}
