import ArgumentParser
import ManaClient

struct RefundCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "refund",
    abstract: "Give back a spend, in part or what is left of it.",
    discussion: """
      Without an amount everything that is left of the spend is given back. The sum
      of a spend's refunds never exceeds it. With --void-if-unknown a spend that the
      ledger has not seen is refused if it arrives later: that settles the fate of a
      spend that may have been lost on its way.

      EXAMPLES
        mana refund 42 --of 7 --note 'operation failed'
        mana refund 42 0.5 --of 0195f9e2-6c1c-7000-8000-000000000007
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "How much; everything that is left when it is not given.", transform: parseAmount) var amount: Mana?
  @Option(
    help: ArgumentHelp("The id of the spend.", valueName: "transaction"), transform: parseTransactionID)
  var of: TransactionID
  @Flag(help: "Void the spend when the ledger has not seen it.") var voidIfUnknown = false
  @OptionGroup var reference: ReferenceOption
  @OptionGroup var write: WriteOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    let receipt = try await client.refund(
      account, of: of, amount: amount, id: write.chosenID, voidIfUnknown: voidIfUnknown,
      reference: reference.reference, note: write.note)
    let shown = ShownTransaction(
      receipt, account: account, operation: .refund, related: of, reference: reference.reference, note: write.note)
    console.result(shown.json, Self.sentence(shown))
  }

  /// A refund that voids a spend posts nothing.
  static func sentence(_ transaction: ShownTransaction) -> String {
    guard transaction.timestamp == nil, let spend = transaction.related else { return Console.sentence(transaction) }
    let replayed = transaction.replayed == true ? ", voided before" : ""
    return "spend \(spend) was not known and is void, account \(transaction.account), "
      + "balance \(transaction.balanceAfter), id \(transaction.id)\(replayed)"
  }
}
