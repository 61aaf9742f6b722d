import ArgumentParser
import ManaClient
import ManaText

/// `mana-client-bench`: measures the Swift client itself, against a server that runs.
@main
struct ClientBenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana-client-bench",
    abstract: "Measures the Swift client of the Mana ledger against a running server.",
    discussion: """
      How fast charges are through the client is measured by `mana-load --through client`; this is what else there is to \
      know. Accounts are made at random, so that the same server serves again and again.

      Examples:
        mana-client-bench history                (a million transactions, iterated)
        mana-client-bench cuts --calls 1000000   (calls whose connection is cut again and again, and the final count)
        mana-client-bench allocations            (blocks of memory that a call allocates)

      Exit status: 0 done, 1 a call was not accounted for, 64 wrong usage.
      """,
    version: "mana-client-bench \(releaseVersion)",
    subcommands: [HistoryCommand.self, CutsCommand.self, AllocationsCommand.self])
}

/// What every subcommand takes.
struct ClientBenchOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the server listens.", valueName: "HOST:PORT"))
  var server = "127.0.0.1:7420"

  func address() throws -> ManaAddress {
    guard let address = ManaAddress(server) else {
      throw ValidationError("--server has the form HOST:PORT or unix:PATH, not '\(server)'")
    }
    return address
  }
}

/// An account that nobody has used.
func freshAccount() -> AccountID { AccountID(UInt128.random(in: 1 ... .max)) }

extension Duration {
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
