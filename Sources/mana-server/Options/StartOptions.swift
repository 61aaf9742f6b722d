import ArgumentParser
import Configuration
import Logging
import ManaEventLoop
import ManaServer
import ManaText
import SystemPackage

/// All that a server is started with: a group a subject, each of which turns its flags into its part of the
/// configuration. A group's flags are optional texts; what they mean, and what holds without them, its `apply` says.
struct StartOptions: ParsableArguments {
  @OptionGroup(title: "Network Options") var network: NetworkOptions
  @OptionGroup(title: "Connection Limit Options") var connectionLimits: ConnectionLimitOptions
  @OptionGroup(title: "TLS Options") var tls: TLSOptions
  @OptionGroup(title: "Access Options") var access: AccessOptions
  @OptionGroup(title: "Audit Options") var audit: AuditOptions
  @OptionGroup(title: "Storage Options") var storage: StorageOptions
  @OptionGroup(title: "Log Options") var log: LogOptions

  @Option(
    help: ArgumentHelp(
      """
      A JSON file of settings, for those that neither a flag nor an environment variable gives. The flag --log-level is \
      MANA_LOG_LEVEL in the environment and "logLevel" in the file; so are all others.
      """, valueName: "file"))
  var configuration: String?

  @Flag(help: "Print the settings that hold, as such a file without the secrets, and end.")
  var printConfiguration = false

  /// What the server is to run with, the same as JSON, and where its log is written.
  ///
  /// - Throws: `ValidationError` for the first setting that is wrong.
  func resolve(
    _ environment: EnvironmentVariablesProvider
  ) throws -> (configuration: ServerConfiguration, shown: String, log: LogSink) {
    let path = try configuration ?? environment.environmentValue(forName: "MANA_CONFIGURATION")
    var settings = Settings(environment: environment, file: try path.map { try ConfigurationFile(path: $0) })
    var result = ServerConfiguration(
      dataDirectory: "./mana-data", listen: .tcp(host: "127.0.0.1", port: 7420), logger: Logger(label: "mana-server"))
    try network.apply(&settings, to: &result)
    try connectionLimits.apply(&settings, to: &result)
    try tls.apply(&settings, to: &result)
    try access.apply(&settings, to: &result)
    try audit.apply(&settings, to: &result)
    try storage.apply(&settings, to: &result)
    let sink = try log.apply(&settings, to: &result)
    try settings.refuseUnknownKeys()
    return (result, settings.shown.description, sink)
  }
}
