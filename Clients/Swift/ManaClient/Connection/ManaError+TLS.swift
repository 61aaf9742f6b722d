#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif
internal import NIOCore
internal import NIOSSL

// What TLS finds wrong with a connection, in words that say what to do.

extension ManaError {
  /// The other end speaks TLS, and another protocol within it.
  init(otherProtocol name: String?) {
    self.init(
      .tlsFailed, execution: .notExecuted,
      message: "what answered speaks TLS but not the application protocol \(Encryption.protocolName)"
        + (name.map { " (it chose '\(loggable($0))')" } ?? "") + ": it is not a Mana server")
  }

  /// The certificate is for somebody else.
  init(unnamed serverName: String) {
    self.init(
      .tlsFailed, execution: .notExecuted,
      message:
        "the server's certificate does not name '\(serverName)': connect to a name that it has, or give the name "
        + "that it was issued for as the TLS server name")
  }

  /// The error that TLS reports; nil for one that is not about TLS.
  init?(tls error: any Error, serverName: String, _ pipeline: ChannelPipeline) {
    if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
      self.init(unnamed: serverName)
      return
    }
    let stack: NIOBoringSSLErrorStack
    switch error {
    case NIOSSLError.uncleanShutdown:
      self.init(
        .connectionLost, execution: .notExecuted,
        message: "the connection was cut: it ended without a TLS close_notify")
      return
    case NIOSSLError.handshakeFailed(.sslError(let errors)), BoringSSLError.sslError(let errors): stack = errors
    default: return nil
    }
    if stack == [.eofDuringHandshake] {
      self.init(
        .notConnected, execution: .notExecuted, message: "the server closed the connection during the TLS handshake")
      return
    }
    let words = stack.map(\.description).joined(separator: " ")
    let message: String? =
      words.contains("CERTIFICATE_VERIFY_FAILED")
      ? Self.mistrust(Self.certificate(pipeline)) : Self.explanations.first { words.contains($0.word) }?.message
    self.init(
      message == nil ? .connectionLost : .tlsFailed, execution: .notExecuted,
      message: message ?? "TLS failed: \(loggable(words))", cause: error)
  }

  /// The certificate that the server has shown, if it came to that.
  private static func certificate(_ pipeline: ChannelPipeline) -> NIOSSLCertificate? {
    do { return try pipeline.syncOperations.nioSSL_peerCertificate() } catch { return nil }
  }

  private static func mistrust(_ certificate: NIOSSLCertificate?) -> String {
    let now = time(nil)
    if let certificate, certificate.notValidAfter < now {
      return "the server's certificate has expired: have it renewed, or check this machine's clock"
    }
    if let certificate, certificate.notValidBefore > now {
      return "the server's certificate is not valid yet: check this machine's clock"
    }
    return "the server's certificate is not vouched for by an authority that is trusted here: give the file of the "
      + "authority that issued it"
  }

  /// Words in the library's errors, those of the other end's alerts among them, and what they mean.
  private static let explanations: [(word: String, message: String)] = [
    (
      "ALERT_PROTOCOL_VERSION",
      "the server does not speak TLS 1.3; one that was given no certificate speaks in the clear: connect without TLS"
    ),
    ("WRONG_VERSION_NUMBER", "what answered does not speak TLS: connect without TLS, or check the address"),
    ("HTTP_REQUEST", "what answered does not speak TLS: connect without TLS, or check the address"),
    (
      "ALERT_NO_APPLICATION_PROTOCOL",
      "what answered speaks TLS but not \(Encryption.protocolName): it is not a Mana server"
    ),
    (
      "ALERT_CERTIFICATE_REQUIRED",
      "the server demands a certificate of its clients: give a certificate and its key"
    ),
    ("ALERT_UNKNOWN_CA", "the server does not trust the authority of this client's certificate"),
    ("ALERT_CERTIFICATE_EXPIRED", "this client's certificate has expired: have it renewed"),
    ("ALERT_CERTIFICATE_REVOKED", "this client's certificate was revoked"),
    ("ALERT_BAD_CERTIFICATE", "the server refuses this client's certificate"),
    ("ALERT_UNSUPPORTED_CERTIFICATE", "the server refuses this client's certificate: it is not one for clients"),
    ("ALERT_CERTIFICATE_UNKNOWN", "the server refuses this client's certificate"),
  ]
}
