extension ManaClient.Configuration {
  /// TLS 1.3, with which nobody on the way can read or change what is sent.
  ///
  /// The server must show a certificate for its name from an authority that is trusted. With `certificate` and `key` the
  /// client shows one too (mutual TLS). Files are PEM; they are read when the client first connects, and again after each
  /// attempt that failed, so that renewed ones need no restart.
  ///
  /// ```swift
  /// configuration.tls = .init(trustRoots: .file("/etc/mana/authority.pem"))
  /// ```
  public struct TLS: Hashable, Sendable {
    /// Whose certificates are believed.
    public enum TrustRoots: Hashable, Sendable {
      /// The authorities that this machine trusts.
      case system
      /// Those in this file, and no others.
      case file(String)
    }

    /// Whose certificates are believed.
    public var trustRoots: TrustRoots
    /// The file with the client's certificate, then those that lead to its authority; nil to show none.
    public var certificate: String?
    /// The file with the certificate's private key, without a passphrase.
    public var key: String?
    /// The DNS name that the server's certificate must have. Nil for the host of the address, be it a name or an IP
    /// address.
    public var serverName: String?

    /// The authorities of the machine and no certificate, but for what is given.
    public init(
      trustRoots: TrustRoots = .system, certificate: String? = nil, key: String? = nil, serverName: String? = nil
    ) {
      self.trustRoots = trustRoots
      self.certificate = certificate
      self.key = key
      self.serverName = serverName
    }

    /// Traps with the reason when a value cannot be meant.
    func check() {
      precondition((certificate == nil) == (key == nil), "a client certificate and its key go together")
    }
  }
}

extension ManaClient.Configuration.TLS {
  /// What options of a program mean together; nil for none of them, which is no TLS. In the place of each that is not
  /// given stands its variable: `MANA_TLS`, `MANA_TLS_CA`, `MANA_TLS_CERTIFICATE`, `MANA_TLS_KEY`, `MANA_TLS_SERVER_NAME`.
  ///
  /// - Parameters:
  ///   - isOn: whether TLS was asked for or ruled out; nil when neither.
  ///   - authority: the file of the authorities; nil for those of the machine.
  ///   - environment: the value of a variable; nil when it is not set.
  package static func combining(
    isOn: Bool?, authority: String?, certificate: String?, key: String?, serverName: String?,
    environment: (String) -> String?
  ) throws(ManaError) -> ManaClient.Configuration.TLS? {
    let isOnInEnvironment: Bool? = try .isOn(environment: environment("MANA_TLS"))
    let isOn = isOn ?? isOnInEnvironment
    let authority = authority ?? environment("MANA_TLS_CA")
    let certificate = certificate ?? environment("MANA_TLS_CERTIFICATE")
    let key = key ?? environment("MANA_TLS_KEY")
    let serverName = serverName ?? environment("MANA_TLS_SERVER_NAME")
    let isMeant = [authority, certificate, key, serverName].contains { $0 != nil }
    guard isOn ?? isMeant else { return nil }
    guard (certificate == nil) == (key == nil) else {
      throw ManaError(
        .invalidArgument, execution: .notExecuted,
        message:
          "--tls-certificate and --tls-key go together; \(key == nil ? "--tls-key" : "--tls-certificate") is missing")
    }
    return .init(
      trustRoots: authority.map { .file($0) } ?? .system, certificate: certificate, key: key, serverName: serverName)
  }
}

extension Bool? {
  /// Whether TLS is on, from the text of the environment's `MANA_TLS`; nil when it is not set.
  fileprivate static func isOn(environment text: String?) throws(ManaError) -> Bool? {
    switch text {
    case nil: nil
    case "1", "on", "true", "yes": true
    case "0", "off", "false", "no": false
    case let text?:
      throw ManaError(
        .invalidArgument, execution: .notExecuted, message: "MANA_TLS is '\(text)'; it takes 1 or 0")
    }
  }
}
