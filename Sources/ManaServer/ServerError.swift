public import ManaEventLoop
public import ManaJournal

/// Why a server cannot start, or had to end.
public enum ServerError: Error, Sendable, CustomStringConvertible {
  /// The data directory or a shard's journal.
  case journal(JournalError)
  /// A loop, or the address to listen on.
  case loop(EventLoopError)
  /// The certificate, the key or the authority of the clients.
  case tls(TLSError)
  /// The file that says who is let in.
  case credentials(String)
  /// The audit log.
  case audit(String)
  /// An address beyond this machine, without what protects callers there.
  case insecureListening(ListenAddress, needsCredentials: Bool, needsEncryption: Bool)

  public var description: String {
    switch self {
    case .journal(let error): error.description
    case .loop(let error): error.description
    case .tls(let error): error.description
    case .credentials(let problem), .audit(let problem): problem
    case .insecureListening(let address, let needsCredentials, let needsEncryption):
      "\(address) can be reached from other machines, and "
        + (needsCredentials ? "everybody would be let in (make a token with mana-server token create)" : "")
        + (needsCredentials && needsEncryption ? "; " : "")
        + (needsEncryption
          ? "what callers send could be read and changed on the way (there is no TLS: give --tls-certificate and --tls-key)"
          : "")
        + ". Listen on 127.0.0.1 or a Unix socket; or, on a network that you trust wholly, add --insecure-listen."
    }
  }
}
