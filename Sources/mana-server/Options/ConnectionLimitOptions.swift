import ArgumentParser
import ManaServer

/// How much callers may have of the server at a time. An identity is everybody who is known by the same name of a
/// credential or, on a server without credentials, at the same address.
struct ConnectionLimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Most connections at a time; further ones are refused as tooManyConnections. (default: 10000)",
      valueName: "count"))
  var connectionsMax: String?

  @Option(
    help: ArgumentHelp(
      """
      Most connections of one identity: a credential's name or, without credentials, an address. Further ones are \
      refused as tooManyConnectionsOfCaller. (default: no limit)
      """, valueName: "count"))
  var connectionsPerIdentityMax: String?

  @Option(
    help: ArgumentHelp(
      """
      Most transactions and reads a second of one identity; a second's worth is taken at once. What is beyond is \
      refused as rateExceeded, with the time to wait. (default: no limit)
      """, valueName: "count"))
  var ratePerIdentityMax: String?

  @Option(
    help: ArgumentHelp(
      "End a connection, with idleTimeout, on which no request came for so long. (default: never)",
      valueName: "seconds"))
  var idleSeconds: String?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    configuration.connectionsMax = try settings.value(
      "connections-max", flag: connectionsMax, kind: .number, range: "1 to 1000000",
      default: (configuration.connectionsMax, shown: "\(configuration.connectionsMax)")
    ) { Int($0).flatMap { (1...1_000_000).contains($0) ? $0 : nil } }
    configuration.connectionsPerIdentityMax = try settings.number(
      "connections-per-identity-max", flag: connectionsPerIdentityMax, in: 1...1_000_000)
    configuration.ratePerIdentityMax = try settings.number(
      "rate-per-identity-max", flag: ratePerIdentityMax, in: 1...1_000_000_000)
    configuration.idleSeconds = try settings.number("idle-seconds", flag: idleSeconds, in: 1...31_536_000)
  }
}
