/// A certificate, a key or an authority that TLS cannot be served with. The description names the file and what to do.
public enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
  case unreadableCertificate(path: String, reason: String)
  case unreadableKey(path: String, reason: String)
  /// The key is not the one of the certificate.
  case keyMismatch(certificate: String, key: String)
  case expiredCertificate(path: String)
  case notYetValidCertificate(path: String)
  case unreadableClientAuthority(path: String, reason: String)
  /// OpenSSL itself refuses to be set up.
  case library(reason: String)

  public var description: String {
    switch self {
    case .unreadableCertificate(let path, let reason):
      "cannot read the TLS certificate \(path): \(reason); it takes a PEM file, the server's certificate first, then "
        + "those that lead to its authority"
    case .unreadableKey(let path, let reason):
      "cannot read the TLS key \(path): \(reason); it takes a PEM file with a private key and no passphrase"
    case .keyMismatch(let certificate, let key):
      "the TLS key \(key) does not belong to the certificate \(certificate); give the pair that was made together"
    case .expiredCertificate(let path):
      "the TLS certificate \(path) has expired; renew it, or check this machine's clock"
    case .notYetValidCertificate(let path):
      "the TLS certificate \(path) is not valid yet; check this machine's clock"
    case .unreadableClientAuthority(let path, let reason):
      "cannot read the authority of client certificates \(path): \(reason); it takes a PEM file of certificates"
    case .library(let reason):
      "cannot set up TLS: \(reason)"
    }
  }
}
