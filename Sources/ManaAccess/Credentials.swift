/// Everybody that a server lets in.
public struct Credentials: Sendable {
  /// The first line of a credentials file: what it is, and the version of its format.
  static let heading = "mana-credentials 1"
  /// Tokens of a name that are valid at a time: the old one and the new one, while a secret is being replaced.
  public static let tokensPerNameMax = 2

  public private(set) var entries: [Credential]

  public init() { entries = [] }

  /// Reads a credentials file. Empty lines and lines that begin with `#` are skipped.
  public init(parsing text: String) throws(CredentialsError) {
    entries = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines[0] == Self.heading else {
      throw .line("line 1 is not '\(Self.heading)': it is no credentials file, or one of a later version")
    }
    for (number, line) in lines.enumerated().dropFirst() where !line.isEmpty && line.first != "#" {
      do {
        entries.append(try Credential(line: line))
      } catch {
        throw .line("line \(number + 1): \(error)")
      }
    }
  }

  /// The file's text.
  var text: String {
    """
    \(Self.heading)
    # Made by `mana-server token`. Holds no secret: a token is stored as its SHA-256. A server reads it on SIGHUP.

    """ + entries.map { $0.line + "\n" }.joined()
  }

  /// The credential whose token that is. Compares with every one there is, whichever matches.
  public func credential(ofToken secret: [UInt8]) -> Credential? {
    let digest = SHA256Digest(of: secret)
    var found: Credential?
    for entry in entries {
      if case .token(let stored) = entry.proof, stored.matches(digest) { found = entry }
    }
    return found
  }

  /// The credential of a user at the other end of a Unix socket.
  public func credential(ofUser user: UInt32) -> Credential? {
    entries.first { if case .user(user) = $0.proof { true } else { false } }
  }

  /// The credential of a certificate that has been verified.
  public func credential(ofCertificate name: String) -> Credential? {
    entries.first { if case .certificate = $0.proof { $0.name == name } else { false } }
  }

  /// The same credential as it stands here; nil when it was revoked.
  public func current(_ credential: Credential) -> Credential? {
    switch credential.proof {
    case .token(let digest):
      entries.first { if case .token(let stored) = $0.proof { stored.matches(digest) } else { false } }
    case .user(let user): self.credential(ofUser: user)
    case .certificate: self.credential(ofCertificate: credential.name)
    }
  }

  /// Adds a credential. Throws when a name has its two tokens already.
  public mutating func add(_ credential: Credential) throws(CredentialsError) {
    guard case .token = credential.proof else { return entries.append(credential) }
    let others = tokens(named: credential.name)
    guard others.count < Self.tokensPerNameMax else {
      throw .tooManyTokens(name: credential.name, ids: others.map(\.id))
    }
    entries.append(credential)
  }

  /// The tokens of a name.
  public func tokens(named name: String) -> [Credential] {
    entries.filter { if case .token = $0.proof { $0.name == name } else { false } }
  }

  /// Removes the tokens of a name, or the one of them with that id, and returns them.
  public mutating func revoke(name: String, id: String?) -> [Credential] {
    let revoked = tokens(named: name).filter { id == nil || $0.id == id }
    entries.removeAll { entry in
      guard case .token = entry.proof else { return false }
      return revoked.contains { $0.name == entry.name && $0.id == entry.id }
    }
    return revoked
  }
}

/// Why credentials cannot be read or changed.
public enum CredentialsError: Error, Sendable, CustomStringConvertible {
  /// What is wrong with a line.
  case line(String)
  case file(path: String, problem: String)
  case tooManyTokens(name: String, ids: [String])

  public var description: String {
    switch self {
    case .line(let problem): problem
    case .file(let path, let problem): "\(path): \(problem)"
    case .tooManyTokens(let name, let ids):
      "\(name) has \(ids.count) tokens already (\(ids.joined(separator: ", "))); revoke one first: "
        + "mana-server token revoke \(name) --id \(ids[0])"
    }
  }
}
