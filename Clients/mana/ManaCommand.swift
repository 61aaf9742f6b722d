import ArgumentParser
import ManaText

/// `mana`, the command line of a Mana ledger.
@main
struct ManaCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana",
    abstract: "Charge, refund and look into a Mana ledger.",
    discussion: """
      ACCOUNT is a UUID or an unsigned integer; it begins to exist with its first
      purchase or bonus. Amounts are in Mana, exact to six decimal places. Each
      write has an id: without --id a random one, which the command prints.
      Repeating a write with the same id never charges twice.

      EXAMPLES
        mana purchase 42 500 --reference pi_123 --note '$40 Creator Pack'
        mana spend 42 1.5 --operation image_generation
        mana history 42
        mana --server ledger.example.com:7420 account 42 --json
        mana --server ledger.example.com:7420 --tls-ca authority.pem history 42

      EXIT STATUS
        0   done
        2   refused by the ledger; the reason is on standard error
        64  the command cannot be meant
        69  the server cannot be reached
      """,
    version: "mana \(releaseVersion)",
    groupedSubcommands: [
      CommandGroup(
        name: "Writing:",
        subcommands: [
          PurchaseCommand.self, BonusCommand.self, SpendCommand.self, RefundCommand.self, SettleCommand.self,
          PostCommand.self,
        ]),
      CommandGroup(
        name: "Reading:",
        subcommands: [
          AccountCommand.self, BalanceCommand.self, HistoryCommand.self, TransactionCommand.self,
          UnsettledCommand.self, UsageCommand.self, ExportCommand.self,
        ]),
      CommandGroup(
        name: "The server:",
        subcommands: [PingCommand.self, ServerCommand.self, TopCommand.self, DrainCommand.self]),
    ])

  @OptionGroup var options: ServerOptions
}
