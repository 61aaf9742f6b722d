import ArgumentParser
import ManaClient

struct DrainCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Let the server finish what is in flight, and end.",
    discussion: """
      The server does what it does on SIGTERM: it takes no further requests, answers
      those that it has, closes its journal and ends with status 0. Where it knows its
      callers, that needs a token with the role "operate".

      EXAMPLE
        mana drain --server 127.0.0.1:7420
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    try await client.drainServer()
    console.result(
      .members(["server": .text(client.address), "draining": .bool(true)]), "\(client.address) is draining")
  }
}
