import ArgumentParser
import ManaClient

/// A command that may connect to a ledger.
protocol ConnectingCommand: AsyncParsableCommand {
  /// What was given before the command's name.
  var root: ManaCommand { get }
  /// What was given after it.
  var options: ServerOptions { get }
}

/// A command that begins with connecting: it says what to do with a client, and gets the rest from here.
protocol LedgerCommand: ConnectingCommand {
  /// Does the work. Errors of the client that it throws are reported, and end the process with their status.
  func run(_ client: ManaClient, _ console: Console) async throws
}

extension LedgerCommand {
  func run() async throws {
    let console = console
    try await connect(console) { client in try await run(client, console) }
  }
}

extension ConnectingCommand {
  /// Where results go.
  var console: Console { Console(isJSON: options.merged(over: root.options).json) }

  /// Runs `body` with a client that is connected. Errors of the client are reported, and end the process.
  func connect(_ console: Console, _ body: (ManaClient) async throws -> Void) async throws {
    let options = options.merged(over: root.options)
    let address = try options.address(environment: Console.environment("MANA_SERVER"))
    var configuration = ManaClient.Configuration()
    configuration.clientName = "mana"
    configuration.credential = try options.credential(environment: Console.environment("MANA_TOKEN"))
    configuration.tls = try options.encryption(environment: Console.environment)
    configuration.connectionCount = 1
    if let timeout = options.timeout { configuration.deadline = timeout }
    do {
      try await withManaClient(address: address, configuration: configuration) { client in
        // A server that is not there is reported after a few seconds, however long a call may take.
        try await client.ping(deadline: min(configuration.deadline, .seconds(3)))
        try await body(client)
      }
    } catch let error as ManaError {
      throw Failure(error, address: address).report(console)
    }
  }
}
