import ArgumentParser
import ManaClient

/// How the connections are encrypted, and whom they must lead to; the options of `mana`.
struct TLSOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Connect with TLS 1.3; needs --through client.",
      discussion: """
        On as soon as one of the options below is given. Each of them has a variable: MANA_TLS (1 or 0), MANA_TLS_CA, \
        MANA_TLS_CERTIFICATE, MANA_TLS_KEY, MANA_TLS_SERVER_NAME.
        """))
  var tls: Bool?

  @Option(
    help: ArgumentHelp(
      "PEM file with the authorities that may have issued the server's certificate. Default: this machine's.",
      valueName: "file"))
  var tlsCA: String?

  @Option(help: ArgumentHelp("PEM file with a certificate to show to the server.", valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("PEM file with that certificate's private key.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("The DNS name in the server's certificate. Default: the host of --server.", valueName: "name"))
  var tlsServerName: String?

  /// What the client is to do; nil to connect in the clear.
  func settings() throws(LoadError) -> ManaClient.Configuration.TLS? {
    do throws(ManaError) {
      return try .combining(
        isOn: tls, authority: tlsCA, certificate: tlsCertificate, key: tlsKey, serverName: tlsServerName,
        environment: System.environment)
    } catch {
      throw .usage(error.message)
    }
  }
}

extension ManaClient.Configuration.TLS {
  /// The options that mean this.
  var arguments: [String] {
    var words = ["--tls"]
    if case .file(let path) = trustRoots { words += ["--tls-ca", path] }
    if let certificate { words += ["--tls-certificate", certificate] }
    if let key { words += ["--tls-key", key] }
    if let serverName { words += ["--tls-server-name", serverName] }
    return words
  }
}
