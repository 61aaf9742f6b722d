import ArgumentParser
import ManaClient
import ManaProtocol
import Testing

@testable import mana

@Suite("The words of a command line")
struct ArgumentTests {
  @Test(arguments: [
    "", "frobnicate", "purchase", "purchase 42", "purchase x 5", "purchase 0 5", "purchase 42 0", "purchase 42 -5",
    "purchase 42 1.2345678", "purchase 42 5 --id 0", "spend 42 5", "spend 42 5 --operation refund",
    "spend 42 5 --operation export --quantity 0", "spend 42 5 --operation export --settle-within 500ms",
    "spend 42 5 --operation export --settle-within 31d", "refund 42", "refund 42 --of x", "settle 42 7",
    "settle 42 7 --succeeded --failed", "settle 42 7 --failed", "settle 42 7 --failed --note n --used 1",
    "history", "history 42 --type settlement", "history 42 --limit 0", "history 42 --limit 10001",
    "history 42 --page 0", "history 42 --page 2 --cursor 5", "history 42 --min 5 --max 1", "history 42 --cursor 0",
    "history 42 --since 2026-02-30", "history 42 --since 1d --until 2d", "balance 42 --at yesterday", "export 42",
    "export 42 --format xml", "--server nowhere balance 42", "balance 42 --server 127.0.0.1:0",
    "balance 42 --timeout 0s",
    "post",
  ])
  func wrongUsageEndsWith64(line: String) {
    let arguments = line.split(separator: " ").map(String.init)
    let error = #expect(throws: (any Error).self) {
      let command = try ManaCommand.parseAsRoot(arguments)
      // Without a subcommand there is nothing to run but the help.
      if command is ManaCommand { throw ValidationError("no subcommand") }
    }
    #expect(error.map(ManaCommand.exitCode) == .validationFailure)
  }

  @Test func aTooLongNoteIsWrongUsage() throws {
    let text = String(repeating: "é", count: 128)
    #expect(throws: (any Error).self) { try ManaCommand.parseAsRoot(["bonus", "42", "5", "--note", text]) }
    #expect(throws: Never.self) {
      try ManaCommand.parseAsRoot(["bonus", "42", "5", "--note", String(text.dropLast())])
    }
  }

  @Test(arguments: [
    ["--server", "[::1]:7", "--json", "--timeout", "5s", "balance", "42"],
    ["balance", "42", "--server", "[::1]:7", "--json", "--timeout", "5s"],
    ["--server", "127.0.0.1:1", "balance", "--server", "[::1]:7", "--json", "42", "--timeout", "5s"],
  ])
  func serverOptionsStandAnywhere(arguments: [String]) throws {
    let command = try #require(try ManaCommand.parseAsRoot(arguments) as? BalanceCommand)
    let options = command.options.merged(over: command.root.options)
    #expect(try options.address(environment: "127.0.0.1:2") == ManaAddress("[::1]:7"))
    #expect(options.json)
    #expect(options.timeout == .seconds(5))
  }

  @Test func theAddressComesFromTheEnvironmentOrIsTheDefault() throws {
    let command = try #require(try ManaCommand.parseAsRoot(["ping"]) as? PingCommand)
    #expect(try command.options.address(environment: "unix:/run/mana.sock") == .unixSocket(path: "/run/mana.sock"))
    #expect(try command.options.address(environment: nil) == .hostPort(host: "127.0.0.1", port: 7420))
    #expect(throws: ValidationError.self) { try command.options.address(environment: "nowhere") }
  }

  @Test func everythingOfASpend() throws {
    let line = "spend 0195f9e2-6c1c-7000-8000-000000000007 1.5 --operation combination --quantity 1000 --id 9"
    let arguments = line.split(separator: " ").map(String.init) + ["--settle-within", "1h30m", "--note", "a b"]
    let command = try #require(try ManaCommand.parseAsRoot(arguments) as? SpendCommand)
    #expect(command.account == AccountID("0195f9e2-6c1c-7000-8000-000000000007"))
    #expect(command.amount == Mana("1.5"))
    #expect(command.operation == .combination)
    #expect(command.quantity == 1000)
    #expect(command.settleWithin == .seconds(5_400))
    #expect(command.write.chosenID == 9)
    #expect(command.write.note == "a b")
  }

  @Test(arguments: [
    ("refund 42 --of 7", Mana?.none), ("refund 42 0.5 --of 7", Mana("0.5")), ("refund 42 --of 7 0.5", Mana("0.5")),
  ])
  func theAmountOfARefundIsOptional(line: String, expected: Mana?) throws {
    let arguments = line.split(separator: " ").map(String.init)
    let command = try #require(try ManaCommand.parseAsRoot(arguments) as? RefundCommand)
    #expect(command.amount == expected)
    #expect(command.of == 7)
  }

  @Test(arguments: [
    ("settle 42 7 --succeeded", SettlementOutcome.succeeded),
    ("settle 42 7 --succeeded --used 1.0", .succeededUsing(1)), ("settle 42 7 --failed --note n", .failed),
  ])
  func outcomes(line: String, expected: SettlementOutcome) throws {
    let arguments = line.split(separator: " ").map(String.init)
    let command = try #require(try ManaCommand.parseAsRoot(arguments) as? SettleCommand)
    #expect(command.outcome == expected)
  }

  @Test func filters() throws {
    let line = "history 42 --type spend --type refund --operation export --min 1 --max 2 --reference r --related 7"
    let arguments = line.split(separator: " ").map(String.init) + ["--since", "2026-01-15T10:30:00Z", "--oldest-first"]
    let command = try #require(try ManaCommand.parseAsRoot(arguments) as? HistoryCommand)
    let query = command.query
    #expect(
      query.filter
        == HistoryFilter(
          types: [.spend, .refund], operations: [.export], from: Timestamp("2026-01-15T10:30:00Z"), amountMin: 1,
          amountMax: 2, related: 7, reference: "r"))
    #expect(query.oldestFirst)
    #expect(query.limit == 20)
    #expect(query.start == .beginning)
  }
}
