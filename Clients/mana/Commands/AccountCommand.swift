import ArgumentParser
import ManaClient
import ManaProtocol
import ManaText

struct AccountCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "account",
    abstract: "Show the head of an account's usage page.",
    discussion: """
      The balance is what was purchased, given as a bonus and refunded, less what
      was spent.

      EXAMPLE
        mana account 42
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID

  func run(_ client: ManaClient, _ console: Console) async throws {
    let account = try await client.account(account)
    console.result(Self.json(account), Self.lines(account).joined(separator: "\n"))
  }

  static func lines(_ account: Account) -> [String] {
    var facts = [
      ("Current Balance", account.balance.description), ("Lifetime Spent", account.lifetimeSpent.description),
      ("Lifetime Purchased", account.lifetimePurchased.description),
      ("Lifetime Refunded", account.lifetimeRefunded.description),
      ("Lifetime Bonus", account.lifetimeBonus.description),
    ]
    if account.unsettledCount > 0 {
      facts.append(("Unsettled", "\(account.unsettled) (\(count(account.unsettledCount, "spend", "spends")))"))
    }
    facts.append(("Transactions", NumberText.grouped(account.transactionCount)))
    for operation in ManaProtocol.Operation.allCases where account[operation].count > 0 {
      let total = account[operation]
      facts.append(("  \(operation.name)", "\(total.amount) (\(count(total.count, "transaction", "transactions")))"))
    }
    return alignedLines(facts)
  }

  private static func count(_ number: Int, _ one: String, _ many: String) -> String {
    "\(NumberText.grouped(number)) \(number == 1 ? one : many)"
  }

  static func json(_ account: Account) -> JSONValue {
    let operations = ManaProtocol.Operation.allCases.filter { account[$0].count > 0 }.map { operation in
      JSONValue.Member(
        key: operation.name,
        value: .members([
          "amount": .text(account[operation].amount), "count": .integer(UInt64(account[operation].count)),
        ]))
    }
    return .members([
      "account": .text(account.id), "balance": .text(account.balance), "lifetimeSpent": .text(account.lifetimeSpent),
      "lifetimePurchased": .text(account.lifetimePurchased), "lifetimeRefunded": .text(account.lifetimeRefunded),
      "lifetimeBonus": .text(account.lifetimeBonus), "transactions": .integer(UInt64(account.transactionCount)),
      "unsettled": account.unsettledCount > 0 ? .text(account.unsettled) : nil,
      "unsettledSpends": account.unsettledCount > 0 ? .integer(UInt64(account.unsettledCount)) : nil,
      "operations": .object(operations),
    ])
  }
}
