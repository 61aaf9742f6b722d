import ArgumentParser
import ManaServer
import SystemPackage

/// Who is let in.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Who is let in, and what each may do; see 'mana-server token'. Read again on SIGHUP. (default: the file "
        + "'credentials' of the data directory; without one, everybody who reaches the address)",
      valueName: "file"))
  var credentials: String?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Listen beyond this machine although there are no credentials or there is no TLS: whoever reaches the address can "
        + "spend and make Mana, or read and change what others send."))
  var insecureListen: Bool?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    configuration.credentialsFile = try settings.text("credentials", flag: credentials).map { FilePath($0) }
    configuration.allowInsecureListening = try settings.truth("insecure-listen", flag: insecureListen)
  }
}
