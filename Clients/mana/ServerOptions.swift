import ArgumentParser
import ManaClient
import ManaOptions

/// The options that every command takes, before or after its name.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The server, HOST:PORT or unix:/PATH.",
      discussion: "Default: the environment variable MANA_SERVER, otherwise 127.0.0.1:7420.", valueName: "address"),
    transform: parseAddress)
  var server: ManaAddress?

  @Option(
    help: ArgumentHelp(
      "The file with the token by which the server knows you.",
      discussion: "Default: the token in the environment variable MANA_TOKEN, otherwise none.", valueName: "file"))
  var tokenFile: String?

  @Option(
    help: ArgumentHelp("How long a call may take: 500ms, 10s, 1m. Default: 10s.", valueName: "duration"),
    transform: parseTimeout)
  var timeout: Duration?

  @OptionGroup(title: "TLS Options") var tls: TLSOptions

  @Flag(help: "Print one line of JSON.")
  var json = false
}

extension ServerOptions {
  /// Where a server listens unless it is told otherwise.
  static let defaultAddress = ManaAddress.hostPort(host: "127.0.0.1", port: 7420)

  /// The options given after the command's name win over those given before it.
  func merged(over outer: ServerOptions) -> ServerOptions {
    var merged = self
    merged.server = server ?? outer.server
    merged.tokenFile = tokenFile ?? outer.tokenFile
    merged.tls = tls.merged(over: outer.tls)
    merged.timeout = timeout ?? outer.timeout
    merged.json = json || outer.json
    return merged
  }

  /// The caller's token, when the environment has `environment` as `MANA_TOKEN`.
  func credential(environment: String?) throws -> ManaClient.Credential? {
    guard let tokenFile else { return environment.map { .token($0) } }
    do throws(ManaError) {
      return try .token(file: tokenFile)
    } catch {
      throw ValidationError("--token-file: \(error.message)")
    }
  }

  /// How the connection is encrypted, where `environment` knows the variables; nil for a connection in the clear.
  func encryption(environment: (String) -> String?) throws -> ManaClient.Configuration.TLS? {
    do throws(ManaError) {
      return try tls.configuration(environment: environment)
    } catch {
      throw ValidationError(error.message)
    }
  }

  /// The server to talk to, when the environment has `environment` as `MANA_SERVER`.
  func address(environment: String?) throws -> ManaAddress {
    if let server { return server }
    guard let environment else { return Self.defaultAddress }
    guard let address = ManaAddress(environment) else {
      throw ValidationError("MANA_SERVER is '\(environment)', which is neither HOST:PORT nor unix:/PATH")
    }
    return address
  }
}
