import ArgumentParser
import ManaClient
import ManaProtocol

struct TransactionCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "transaction",
    abstract: "Show one transaction with everything that is known of it.",
    discussion: """
      Of a spend it also says how much has been refunded, how much still can be, and how
      its settlement stands; with --json in the keys refunded, refundable and settlement.

      EXAMPLE
        mana transaction 42 7
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "The transaction's id.", transform: parseTransactionID) var id: TransactionID
  @Flag(name: .customLong("utc"), help: "Print exact times in UTC.") var isUTC = false

  func run(_ client: ManaClient, _ console: Console) async throws {
    let transaction = try await client.transaction(id: id, of: account)
    console.result(
      Self.json(transaction),
      Self.lines(transaction, clock: WallClock(isUTC: isUTC)).joined(separator: "\n"))
  }

  /// The transaction as everywhere, and of a spend what has become of it.
  static func json(_ transaction: Transaction) -> JSONValue {
    let common = ShownTransaction(transaction).json
    guard transaction.type == .spend else { return common }
    let hasSettlement = transaction.settlement != .none
    return common.adding([
      "refunded": .text(transaction.refunded), "refundable": .text(transaction.refundable),
      "settlement": hasSettlement ? .string(String(describing: transaction.settlement)) : nil,
    ])
  }

  static func lines(_ transaction: Transaction, clock: WallClock) -> [String] {
    var facts = [
      ("Operation", transaction.operation.name), ("Type", transaction.type.name),
      ("Amount", transaction.change.signedDescription), ("Balance After", transaction.balanceAfter.description),
      ("Timestamp", clock.full(transaction.timestamp)), ("Id", transaction.id.description),
      ("Sequence", String(transaction.sequence)),
    ]
    if transaction.quantity > 0 { facts.append(("Quantity", String(transaction.quantity))) }
    if let related = transaction.related { facts.append(("Refund of", related.description)) }
    if transaction.type == .spend {
      facts.append(("Refunded", transaction.refunded.description))
      facts.append(("Refundable", transaction.refundable.description))
    }
    if transaction.settlement != .none { facts.append(("Settlement", settlementText(transaction))) }
    if !transaction.reference.isEmpty { facts.append(("Reference", escapingControls(transaction.reference))) }
    if !transaction.note.isEmpty { facts.append(("Note", escapingControls(transaction.note))) }
    return alignedLines(facts)
  }

  private static func settlementText(_ transaction: Transaction) -> String {
    switch transaction.settlement {
    case .none: "none"
    case .unsettled: "unsettled, within \(transaction.settlementTimeout.map(durationText) ?? "its timeout")"
    case .settled: "settled"
    case .refunded: "ended by a refund"
    case .timedOut: "timed out, refunded by the server"
    }
  }
}

/// Names and values in two columns.
func alignedLines(_ facts: [(name: String, value: String)]) -> [String] {
  let width = (facts.map(\.name.count).max() ?? 0) + 2
  return facts.map { $0.name + String(repeating: " ", count: width - $0.name.count) + $0.value }
}
