import ArgumentParser
import ManaClient
import ManaProtocol

struct SpendCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "spend",
    abstract: "Charge an account.",
    discussion: """
      With --settle-within the charge is made at once, and given back by the server
      unless `mana settle` or `mana refund` comes within that time.

      EXAMPLES
        mana spend 42 1.5 --operation image_generation
        mana spend 42 10 --operation combination --quantity 1000
        mana spend 42 2 --operation variation --settle-within 5m
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "How much.", transform: parseAmount) var amount: Mana
  @Option(
    help: "What it is for: image_generation, detection, variation, combination or export.",
    transform: parseSpendOperation)
  var operation: ManaProtocol.Operation
  @Option(
    help: ArgumentHelp("How many things the operation makes: combos, files.", valueName: "number"),
    transform: parseQuantity)
  var quantity: Int?
  @Option(
    help: ArgumentHelp("Give it back unless it is settled within this time: 30s, 5m, 2h.", valueName: "duration"),
    transform: parseSettlementTimeout)
  var settleWithin: Duration?
  @OptionGroup var reference: ReferenceOption
  @OptionGroup var write: WriteOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    let receipt = try await client.spend(
      account, amount, for: operation, quantity: quantity ?? 0, id: write.chosenID, settleWithin: settleWithin,
      reference: reference.reference, note: write.note)
    console.posted(
      ShownTransaction(
        receipt, account: account, operation: operation, quantity: quantity ?? 0, reference: reference.reference,
        note: write.note))
  }
}
