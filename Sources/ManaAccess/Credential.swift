/// By what a caller is known, and what it may do: one line of a credentials file.
///
///     token shop sha256=9f86…0a08 roles=read,spend created=2026-11-26T11:20:20Z
///     user 1000 roles=read
///     certificate billing.internal roles=credit
///     certificate spiffe://example.com/web roles=spend
public struct Credential: Sendable {
  public enum Proof: Sendable {
    /// A token with this digest, in the handshake.
    case token(SHA256Digest)
    /// This user id at the other end of a Unix socket.
    case user(UInt32)
    /// A certificate with the credential's name, from an authority that the server trusts.
    case certificate
  }

  public let proof: Proof
  /// Of a token, a name that its holder is known by, 1 to 64 letters, digits, dots, hyphens and underscores; of a
  /// certificate, a URI or DNS name in it; of a user, the number.
  public let name: String
  public var roles: Roles
  /// What it may do at most, of what its roles allow.
  public var limits: CallerLimits
  /// When a token was made, for people.
  public var created: String

  public init(
    _ proof: Proof, name: String, roles: Roles, limits: CallerLimits = CallerLimits(), created: String = ""
  ) {
    self.proof = proof
    self.name = name
    self.roles = roles
    self.limits = limits
    self.created = created
  }

  /// Tells two tokens of a name apart: the first 8 digits of the digest. Empty for what is no token.
  public var id: String {
    guard case .token(let digest) = proof else { return "" }
    return String(digest.hexadecimal.prefix(8))
  }

  /// As logs name the caller; holds no secret.
  public var label: String {
    switch proof {
    case .token: "token \(name) (\(id))"
    case .user: "user \(name)"
    case .certificate: "certificate \(name)"
    }
  }

  /// Who the caller is, whichever of its tokens it holds: its kind and its name.
  public var identity: String {
    switch proof {
    case .token: "token \(name)"
    case .user: "user \(name)"
    case .certificate: "certificate \(name)"
    }
  }

  /// What it may do, as its line says it.
  public var permissions: String {
    (["roles=\(roles.names.joined(separator: ","))"] + limits.fields).joined(separator: " ")
  }

  /// Whether a certificate can have this name, which may be a URI: 1 to 255 visible characters of ASCII.
  private static func isCertificateName(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count) && name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// Whether a name can be given to a token.
  public static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy {
        $0.isASCII
          && ($0.properties.isAlphabetic || $0.properties.numericType != nil || ".-_".unicodeScalars.contains($0))
      }
  }
}

extension Credential {
  /// The line without its end.
  var line: String {
    switch proof {
    case .token(let digest):
      "\(identity) sha256=\(digest.hexadecimal) \(permissions)" + (created.isEmpty ? "" : " created=\(created)")
    case .user, .certificate: "\(identity) \(permissions)"
    }
  }

  /// Reads a line. Throws what is wrong with it, in words: a line that is not understood whole is no permission.
  init(line: Substring) throws(CredentialsError) {
    let words = line.split(separator: " ")
    guard words.count >= 2 else { throw .line("a line is 'token', 'user' or 'certificate', a name, and roles=…") }
    let name = String(words[1])
    guard Self.isName(name) || words[0] == "certificate" && Self.isCertificateName(name) else {
      throw .line("'\(name)' is no name")
    }
    var fields: [Substring: Substring] = [:]
    for word in words.dropFirst(2) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, fields.updateValue(parts[1], forKey: parts[0]) == nil else {
        throw .line("'\(word)' is not KEY=VALUE, or is there twice")
      }
    }
    let proof: Proof
    switch words[0] {
    case "token":
      guard let digest = fields.removeValue(forKey: "sha256").flatMap({ SHA256Digest(hexadecimal: $0) }) else {
        throw .line("a token has sha256= and 64 hexadecimal digits")
      }
      proof = .token(digest)
    case "user":
      guard let user = UInt32(name) else { throw .line("'\(name)' is no user id") }
      proof = .user(user)
    case "certificate": proof = .certificate
    default: throw .line("'\(words[0])' is neither token, user nor certificate")
    }
    guard let list = fields.removeValue(forKey: "roles") else { throw .line("roles= is missing") }
    var roles: Roles = []
    for word in list.split(separator: ",", omittingEmptySubsequences: false) {
      guard let role = Roles(name: word) else { throw .line("'\(word)' is none of read, spend, credit, operate") }
      roles.formUnion(role)
    }
    let limits = try CallerLimits(taking: &fields)
    self.init(
      proof, name: name, roles: roles, limits: limits,
      created: fields.removeValue(forKey: "created").map { String($0) } ?? "")
    if let unknown = fields.keys.sorted().first { throw .line("'\(unknown)=' is not known to this version") }
  }
}
