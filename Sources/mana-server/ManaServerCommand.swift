import ArgumentParser
import Logging
import ManaEventLoop
import ManaJournal
import ManaServer
import SystemPackage

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
      """,
    version: "mana-server \(serverVersion)",
    subcommands: [VerifyCommand.self, DumpCommand.self, SalvageCommand.self, BackupCommand.self])

  @Option(help: ArgumentHelp("Where the journal lives; created when absent.", valueName: "directory"))
  var dataDirectory = "./mana-data"

  @Option(
    help: ArgumentHelp(
      "Where callers connect: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 picks a free one.", valueName: "address"),
    transform: Self.address)
  var listen = ListenAddress.tcp(host: "127.0.0.1", port: 7420)

  @Option(
    help: ArgumentHelp(
      "Number of shards, 1 to 256, each with its own thread. Fixed when the directory is created; 1 for a new one."))
  var shards: Int?

  @Option(
    help: ArgumentHelp(
      "Size of a journal segment, a power of two. Fixed when the directory is created; 33554432 for a new one.",
      valueName: "bytes"))
  var segmentBytes: Int?

  @Option(
    help: ArgumentHelp("trace, debug, info, notice, warning, error or critical; on standard error."),
    transform: Self.level)
  var logLevel = Logger.Level.info

  @Flag(help: "Accept a file system on which a sync reaches no disk (tmpfs, network). For experiments only.")
  var allowUnsuitableFileSystem = false

  func validate() throws {
    if let shards, !(1...256).contains(shards) {
      throw ValidationError("--shards takes 1 to 256, not \(shards)")
    }
    if let segmentBytes,
      segmentBytes & (segmentBytes - 1) != 0
        || !(JournalLimits.segmentBytesMin...JournalLimits.segmentBytesMax).contains(segmentBytes)
    {
      throw ValidationError(
        "--segment-bytes takes a power of two from \(JournalLimits.segmentBytesMin) to "
          + "\(JournalLimits.segmentBytesMax), not \(segmentBytes)")
    }
  }

  func run() throws {
    var logger = Logger(label: "mana-server") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel
    var configuration = ServerConfiguration(
      dataDirectory: FilePath(dataDirectory), listen: listen, shards: shards, logger: logger)
    configuration.segmentBytes = segmentBytes
    configuration.allowUnsuitableFileSystem = allowUnsuitableFileSystem
    let log = logger
    do throws(ServerError) {
      try Server.run(configuration) { address, report in
        log.info("recovered", metadata: report.metadata)
        do {
          try StandardOutput.write(line: "mana-server ready on \(address)")
        } catch {
          // Whoever started the server has closed its output; callers can connect all the same.
          log.warning("the ready line could not be written", metadata: ["error": "\(error)"])
        }
      }
    } catch {
      try StandardError.write(line: "mana-server: \(error)")
      throw ExitCode(error.exitStatus)
    }
  }

  private static func address(_ text: String) throws -> ListenAddress {
    do {
      return try ListenAddress(parsing: text)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else {
      throw ValidationError(
        "'\(text)' is no log level; write one of trace, debug, info, notice, warning, error, critical")
    }
    return level
  }
}

extension RecoveryReport {
  /// What the start-up line of the log says.
  fileprivate var metadata: Logger.Metadata {
    [
      "transactions": "\(transactions)", "accounts": "\(accounts)", "blocks": "\(blocks)",
      "milliseconds": "\(nanoseconds / 1_000_000)",
    ]
  }
}
