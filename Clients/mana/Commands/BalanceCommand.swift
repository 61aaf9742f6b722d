import ArgumentParser
import ManaClient

struct BalanceCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance",
    abstract: "Print an account's balance, now or at a time.",
    discussion: """
      A time is 2026-01-15T10:30:00Z, a local 2026-01-15 or '2026-01-15 10:30', or
      how long ago: 15m, 2h, 1d. Before the account's first transaction the balance
      is zero.

      EXAMPLES
        mana balance 42
        mana balance 42 --at 2026-01-15
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Option(help: ArgumentHelp("The balance at this time.", valueName: "time"), transform: parseTime) var at: Timestamp?

  func run(_ client: ManaClient, _ console: Console) async throws {
    guard let at else {
      let balance = try await client.account(account).balance
      console.result(.members(["account": .text(account), "balance": .text(balance)]), balance.description)
      return
    }
    let historic = try await client.balance(of: account, at: at)
    console.result(
      .members([
        "account": .text(account), "balance": .text(historic.balance), "at": .text(at),
        "sequence": .integer(historic.sequence), "timestamp": historic.timestamp.map(JSONValue.text),
      ]), historic.balance.description)
  }
}
