import ArgumentParser
import ManaClient

struct UnsettledCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "unsettled",
    abstract: "List the spends that wait for their settlement, newest first.",
    discussion: """
      The time is that of the spend. Each line ends with the id that `mana settle`
      takes.

      EXAMPLE
        mana unsettled 42
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Flag(name: .customLong("utc"), help: "Print exact times in UTC.") var isUTC = false

  func run(_ client: ManaClient, _ console: Console) async throws {
    var transactions: [ShownTransaction] = []
    for try await transaction in client.unsettled(of: account) { transactions.append(ShownTransaction(transaction)) }
    if console.isJSON {
      console.line(
        JSONValue.members([
          "transactions": .array(transactions.map(\.json)), "total": .integer(UInt64(transactions.count)),
        ]).description)
      return
    }
    let table = HistoryTable(clock: WallClock(isUTC: isUTC), hasColour: console.hasColour, hasIDs: true)
    for line in table.lines(transactions) { console.line(line) }
    console.line("\(transactions.count) unsettled")
  }
}
