import ArgumentParser
import ManaClient

struct PurchaseCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "purchase",
    abstract: "Add bought Mana to an account.",
    discussion: """
      The account's first purchase or bonus creates it. The reference links to the
      payment's receipt.

      EXAMPLE
        mana purchase 42 500 --reference pi_123 --note '$40 Creator Pack'
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "How much.", transform: parseAmount) var amount: Mana
  @OptionGroup var reference: ReferenceOption
  @OptionGroup var write: WriteOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    let receipt = try await client.purchase(
      account, amount, id: write.chosenID, reference: reference.reference, note: write.note)
    console.posted(
      ShownTransaction(
        receipt, account: account, operation: .purchase, reference: reference.reference, note: write.note))
  }
}
