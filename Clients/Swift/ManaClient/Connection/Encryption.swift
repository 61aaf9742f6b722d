internal import NIOCore
internal import NIOSSL

/// What a pool's connections are encrypted with. Reads its files when it is first needed.
struct Encryption {
  /// The protocol's name in ALPN.
  static let protocolName = "mana/1"

  /// Adds the TLS side to a new channel.
  struct Initializer: Sendable {
    fileprivate let context: NIOSSLContext
    /// The DNS name to find in the certificate; nil when it has to name the numeric address that was connected to.
    let dnsName: String?
    /// Whom the certificate must name, for people.
    let name: String

    func addHandler(to channel: any Channel) throws {
      try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: dnsName))
    }
  }

  private let tls: ManaClient.Configuration.TLS
  /// The DNS name to find in the certificate; nil when it has to name the numeric address that was connected to.
  private let host: String?
  private let name: String
  private var context: NIOSSLContext?

  init(_ tls: ManaClient.Configuration.TLS, to address: ManaAddress) {
    self.tls = tls
    switch address {
    case .hostPort(let host, _):
      name = tls.serverName ?? host
      self.host = tls.serverName ?? (isNumeric(host) ? nil : host)
    case .unixSocket:
      name = tls.serverName ?? address.description
      host = tls.serverName
    }
  }

  /// What to begin a connection with. Throws ``ManaError/Code/tlsFailed`` when a file cannot be used.
  mutating func initializer() throws(ManaError) -> Initializer {
    if let serverName = tls.serverName, isNumeric(serverName) {
      throw failure("'\(serverName)' is an address and no server name; an address is checked when no name is given")
    }
    let context: NIOSSLContext
    if let known = self.context {
      context = known
    } else {
      context = try Self.makeContext(tls)
    }
    self.context = context
    return Initializer(context: context, dnsName: host, name: name)
  }

  /// Reads the files again when they are needed next.
  mutating func forget() { context = nil }

  private static func makeContext(_ tls: ManaClient.Configuration.TLS) throws(ManaError) -> NIOSSLContext {
    var library = TLSConfiguration.makeClientConfiguration()
    library.minimumTLSVersion = .tlsv13
    library.applicationProtocols = [protocolName]
    // A server that answers nothing any more is not waited for.
    library.shutdownTimeout = ClientLimits.closeNotifyWaitMax
    // The library's own choice, and Ed25519, which it leaves out.
    library.verifySignatureAlgorithms = [
      .ed25519, .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha256,
      .rsaPssRsaeSha384, .rsaPssRsaeSha512,
    ]
    switch tls.trustRoots {
    case .system: library.trustRoots = .default
    case .file(let path): library.trustRoots = .certificates(try certificates(path, "of the authorities"))
    }
    if let path = tls.certificate, let keyPath = tls.key {
      library.certificateChain = try certificates(path, "of the client").map { .certificate($0) }
      do {
        library.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem))
      } catch {
        throw failure("cannot read the TLS key \(keyPath): it takes a PEM file with a private key and no passphrase")
      }
    }
    do {
      return try NIOSSLContext(configuration: library)
    } catch {
      guard let path = tls.certificate, let key = tls.key else {
        throw failure("TLS cannot be set up: \(loggable("\(error)"))")
      }
      throw failure(
        "the TLS key \(key) does not belong to the certificate \(path); give the pair that was made together")
    }
  }

  private static func certificates(_ path: String, _ whose: String) throws(ManaError) -> [NIOSSLCertificate] {
    var found: [NIOSSLCertificate] = []
    do { found = try NIOSSLCertificate.fromPEMFile(path) } catch {
      // Whatever is wrong with the file, it holds no certificate that could be used.
    }
    guard !found.isEmpty else {
      throw failure("cannot read the certificate \(whose) \(path): it takes a PEM file with a certificate")
    }
    return found
  }
}

/// Whether the server's certificate has this DNS name, itself or with `*` for its first label.
///
/// The library is content with the address that was connected to, even where a name is asked for: whoever can lead that
/// name to an address of their own, for which they have a certificate, would be believed.
func certificate(of pipeline: ChannelPipeline, names host: String) -> Bool {
  var host = host.lowercased()
  if host.hasSuffix(".") { host.removeLast() }
  let found: NIOSSLCertificate?
  do { found = try pipeline.syncOperations.nioSSL_peerCertificate() } catch { return false }
  let parent = host.firstIndex(of: ".").map { "*\(host[$0...])" }
  return found?._subjectAlternativeNames().contains { name in
    guard name.nameType == .dnsName else { return false }
    let text = String(decoding: name.contents, as: UTF8.self).lowercased()
    return text == host || text == parent
  } ?? false
}

private func failure(_ message: String) -> ManaError {
  ManaError(.tlsFailed, execution: .notExecuted, message: message)
}

private func isNumeric(_ host: String) -> Bool {
  do {
    _ = try SocketAddress(ipAddress: host, port: 0)
    return true
  } catch {
    return false
  }
}
