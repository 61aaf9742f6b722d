import ArgumentParser
import ManaClient

struct BonusCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "bonus",
    abstract: "Give Mana to an account.",
    discussion: """
      The account's first purchase or bonus creates it.

      EXAMPLE
        mana bonus 42 1000 --note 'new account'
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "How much.", transform: parseAmount) var amount: Mana
  @OptionGroup var reference: ReferenceOption
  @OptionGroup var write: WriteOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    let receipt = try await client.bonus(
      account, amount, id: write.chosenID, reference: reference.reference, note: write.note)
    console.posted(
      ShownTransaction(
        receipt, account: account, operation: .bonus, reference: reference.reference, note: write.note))
  }
}
