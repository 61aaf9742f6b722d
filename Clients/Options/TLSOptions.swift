package import ArgumentParser
package import ManaClient

/// How a program's connections are encrypted, and whom they must lead to.
package struct TLSOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Connect with TLS 1.3.",
      discussion: """
        On as soon as one of the options below is given. Each of them has a variable: MANA_TLS (1 or 0), MANA_TLS_CA, \
        MANA_TLS_CERTIFICATE, MANA_TLS_KEY, MANA_TLS_SERVER_NAME.
        """))
  package var tls: Bool?

  @Option(
    help: ArgumentHelp(
      "PEM file with the authorities that may have issued the server's certificate.",
      discussion: "Default: those that this machine trusts.", valueName: "file"))
  package var tlsCA: String?

  @Option(help: ArgumentHelp("PEM file with a certificate to show to the server.", valueName: "file"))
  package var tlsCertificate: String?

  @Option(help: ArgumentHelp("PEM file with that certificate's private key.", valueName: "file"))
  package var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "The DNS name in the server's certificate.", discussion: "Default: the host of --server.", valueName: "name"))
  package var tlsServerName: String?

  package init() {}

  /// The options given after the command's name win over those given before it.
  package func merged(over outer: TLSOptions) -> TLSOptions {
    var merged = self
    merged.tls = tls ?? outer.tls
    merged.tlsCA = tlsCA ?? outer.tlsCA
    merged.tlsCertificate = tlsCertificate ?? outer.tlsCertificate
    merged.tlsKey = tlsKey ?? outer.tlsKey
    merged.tlsServerName = tlsServerName ?? outer.tlsServerName
    return merged
  }

  /// What the client is to do, where `environment` knows the variables; nil to connect in the clear. Throws
  /// `invalidArgument`, naming the option or the variable.
  package func configuration(
    environment: (String) -> String?
  ) throws(ManaError) -> ManaClient.Configuration.TLS? {
    try .combining(
      isOn: tls, authority: tlsCA, certificate: tlsCertificate, key: tlsKey, serverName: tlsServerName,
      environment: environment)
  }
}
