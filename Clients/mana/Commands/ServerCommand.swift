import ArgumentParser
import ManaClient
import ManaProtocol
import ManaText

struct ServerCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "server",
    abstract: "Show what the server says about itself: ledger, version, shards, limits, figures.",
    discussion: """
      EXAMPLE
        mana server --json
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions

  func run(_ client: ManaClient, _ console: Console) async throws {
    let status = try await client.serverStatus()
    let shards = try await client.shardStatus().shards
    guard let information = client.serverInformation else {
      preconditionFailure("a reply comes after a welcome")
    }
    console.result(
      Self.json(information, status, address: client.address).adding(["shardStatus": .array(shards.map(\.json))]),
      (Self.lines(information, status, address: client.address) + Self.journalLines(shards)).joined(separator: "\n"))
  }

  static func lines(_ information: ServerInformation, _ status: ServerStatus, address: ManaAddress) -> [String] {
    alignedLines([
      ("Address", address.description), ("Server", escapingControls(information.name)),
      ("Protocol version", String(information.protocolVersion)), ("Ledger", information.ledger.description),
      ("Uptime", durationText(status.uptime)), ("Shards", String(information.shardCount)),
      ("Connections", String(status.connections)), ("Accounts", count(status.accounts)),
      ("Transactions", count(status.transactions)), ("Posted since start", count(status.postedSinceStart)),
      ("Last flush", "\(status.flushNanosecondsLast / 1_000) µs"),
      ("Memory", "\(status.residentBytes >> 20) MiB"),
      ("Batch limit", "\(NumberText.grouped(information.itemsMax)) transactions"),
      ("Page limit", "\(NumberText.grouped(information.pageMax)) transactions"),
      ("Frame limit", "\(NumberText.grouped(information.frameBytesMax)) bytes"),
      (
        "In-flight limit",
        "\(information.requestsInFlightMax) requests, \(NumberText.grouped(information.bytesInFlightMax)) bytes"
      ),
    ])
  }

  /// How far the journal of each shard is.
  static func journalLines(_ shards: [ShardStatus]) -> [String] {
    alignedLines(
      shards.enumerated().map { index, shard in
        (
          "Journal \(index)",
          "block \(count(shard.journalBlock)) ending at \(count(shard.journalPosition)) bytes, "
            + "read back in \(shard.recoveryNanoseconds / 1_000_000) ms, "
            + (shard.checkpointBlock == 0 ? "no checkpoint" : "checkpoint of block \(count(shard.checkpointBlock))")
        )
      })
  }

  private static func count(_ number: UInt64) -> String { NumberText.grouped(Int(clamping: number)) }

  static func json(_ information: ServerInformation, _ status: ServerStatus, address: ManaAddress) -> JSONValue {
    .members([
      "address": .text(address), "server": .string(information.name),
      "protocolVersion": .integer(UInt64(information.protocolVersion)), "ledger": .text(information.ledger),
      "shards": .integer(UInt64(information.shardCount)),
      "uptimeSeconds": .integer(status.uptimeNanoseconds / 1_000_000_000),
      "connections": .integer(UInt64(status.connections)), "accounts": .integer(status.accounts),
      "transactions": .integer(status.transactions), "postedSinceStart": .integer(status.postedSinceStart),
      "blocksSinceStart": .integer(status.blocksSinceStart),
      "flushNanosecondsLast": .integer(status.flushNanosecondsLast), "residentBytes": .integer(status.residentBytes),
      "itemsMax": .integer(UInt64(information.itemsMax)), "pageMax": .integer(UInt64(information.pageMax)),
      "frameBytesMax": .integer(UInt64(information.frameBytesMax)),
      "requestsInFlightMax": .integer(UInt64(information.requestsInFlightMax)),
      "bytesInFlightMax": .integer(UInt64(information.bytesInFlightMax)),
    ])
  }
}
