import ArgumentParser
import ManaClient

struct PingCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping",
    abstract: "See whether the server answers, and how fast.",
    discussion: """
      EXAMPLE
        mana ping --server 127.0.0.1:7420
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    // The first answer includes making the connection.
    try await client.ping()
    let start = ContinuousClock.now
    try await client.ping()
    let microseconds = (ContinuousClock.now - start).components.attoseconds / 1_000_000_000_000
    console.result(
      .members(["server": .text(client.address), "microseconds": .integer(UInt64(microseconds))]),
      "\(client.address) answers after \(microseconds) µs")
  }
}
