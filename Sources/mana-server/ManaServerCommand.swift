import ArgumentParser
import Configuration
import Logging
import ManaEventLoop
import ManaServer

/// `mana-server`: reads its arguments, runs the server, says what it does in words.
@main
struct ManaServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana-server",
    abstract: "The Mana ledger: a durable system of record for credits.",
    discussion: """
      Without arguments it keeps its ledger in ./mana-data and listens on 127.0.0.1:7420. Once it accepts connections \
      it prints one line on standard output: mana-server ready on ADDRESS. SIGTERM finishes what is in flight and ends \
      it with status 0.

      Examples:
        mana-server
        mana-server --data-directory /var/lib/mana --listen 127.0.0.1:7420 --shards 2
        mana-server --listen 127.0.0.1:0            (a free port, named in the ready line)
        mana-server --listen unix:/run/mana.sock
        mana-server --tls-certificate server.pem --tls-key server.key --tls-client-ca clients.pem
        MANA_SHARDS=2 mana-server --configuration /etc/mana/server.json
        mana-server --print-configuration > server.json
      """,
    version: "mana-server \(serverVersion)",
    subcommands: [
      VerifyCommand.self, DumpCommand.self, SalvageCommand.self, BackupCommand.self, TokenCommand.self,
      AuditCommand.self,
    ])

  @OptionGroup var options: StartOptions

  func run() throws {
    let environment = EnvironmentVariablesProvider()
    let resolved = try options.resolve(environment)
    if options.printConfiguration {
      try StandardOutput.write(line: resolved.shown)
      return
    }
    var configuration = resolved.configuration
    let sink = resolved.log
    let manager = try ServiceManager(environment, logger: configuration.logger)
    configuration.observe = { event in
      manager?.tell(event)
      if case .turning = event { sink.reportOmissions() }
    }
    defer { sink.reportOmissions(all: true) }
    do throws(ServerError) {
      do throws(EventLoopError) {
        try configuration.takeInheritedSockets(environment)
      } catch {
        throw .loop(error)
      }
      try serve(configuration, manager)
    } catch {
      manager?.tellFailure("\(error)")
      if sink.format == .json {
        configuration.logger.critical("ended by an error", metadata: ["error": "\(error)"])
      } else {
        try StandardError.write(line: "mana-server: \(error)")
      }
      throw ExitCode(error.exitStatus)
    }
  }

  private func serve(_ configuration: ServerConfiguration, _ manager: ServiceManager?) throws(ServerError) {
    let log = configuration.logger
    try Server.run(configuration) { address, report in
      manager?.tellReady(on: address, report)
      do {
        try StandardOutput.write(line: "mana-server ready on \(address)")
      } catch {
        // Whoever started the server has closed its output; callers can connect all the same.
        log.warning("the ready line could not be written", metadata: ["error": "\(error)"])
      }
    }
  }
}
