import ArgumentParser
import ManaEventLoop
import ManaServer

/// What callers' connections are encrypted with.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Speak TLS 1.3, with this certificate: a PEM file, the server's own first, then those that lead to its authority. \
      SIGHUP reads the files anew.
      """, valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The key of that certificate, a PEM file without a passphrase.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "Require of each client a certificate of one of the authorities in this PEM file.", valueName: "file"))
  var tlsClientCa: String?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    let certificate = try settings.text("tls-certificate", flag: tlsCertificate) ?? ""
    let key = try settings.text("tls-key", flag: tlsKey) ?? ""
    let authority = try settings.text("tls-client-ca", flag: tlsClientCa) ?? ""
    if certificate.isEmpty != key.isEmpty {
      throw ValidationError(
        "--tls-certificate and --tls-key go together; \(key.isEmpty ? "--tls-key" : "--tls-certificate") is missing")
    }
    if certificate.isEmpty {
      if authority.isEmpty { return }
      throw ValidationError("--tls-client-ca needs TLS: give --tls-certificate and --tls-key as well")
    }
    configuration.tls = TLSContext.Files(
      certificate: certificate, key: key, clientAuthority: authority.isEmpty ? nil : authority)
  }
}
