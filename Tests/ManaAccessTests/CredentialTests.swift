import Testing

@testable import ManaAccess

@Suite struct CredentialTests {
  /// FIPS 180-4, and the digests that `sha256sum` prints.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ])
  func digests(message: String, hexadecimal: String) {
    let digest = SHA256Digest(of: Array(message.utf8))
    #expect(digest.hexadecimal == hexadecimal)
    #expect(SHA256Digest(hexadecimal: hexadecimal)?.matches(digest) == true)
    #expect(SHA256Digest(hexadecimal: hexadecimal.dropLast()) == nil)
    #expect(SHA256Digest(hexadecimal: hexadecimal.dropLast() + "g") == nil)
  }

  @Test func tokensAreLongAndDifferentAndSilent() {
    let tokens = (0..<100).map { _ in Token.make() }
    #expect(Set(tokens.map(\.secret)).count == 100)
    for token in tokens {
      #expect(token.secret.hasPrefix("mana_") && token.secret.utf8.count == 48)
      #expect(
        token.secret.utf8.allSatisfy { Character(UnicodeScalar($0)).isLetter || "0123456789-_".utf8.contains($0) })
      var dumped = ""
      dump(token, to: &dumped)
      #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains(token.secret))
    }
  }

  @Test func aFileSaysTheSameWhenItIsReadAgain() throws {
    var credentials = Credentials()
    let (old, new) = (Token.make(), Token.make())
    try credentials.add(Credential(.token(old.digest), name: "shop", roles: [.spend, .read], created: "2026-01-01"))
    try credentials.add(Credential(.token(new.digest), name: "shop", roles: .spend))
    try credentials.add(Credential(.user(1000), name: "1000", roles: .operate))
    try credentials.add(Credential(.certificate, name: "billing.internal", roles: .credit))
    try credentials.add(Credential(.certificate, name: "spiffe://example.com/web?a=1#2", roles: .spend))
    let again = try Credentials(parsing: credentials.text)
    #expect(again.entries.map(\.line) == credentials.entries.map(\.line))
    #expect(again.credential(ofToken: Array(old.secret.utf8))?.roles == [.spend, .read])
    #expect(again.credential(ofToken: Array(new.secret.utf8))?.roles == .spend)
    #expect(again.credential(ofToken: Array(Token.make().secret.utf8)) == nil)
    #expect(again.credential(ofToken: []) == nil)
    #expect(again.credential(ofUser: 1000)?.roles == .operate && again.credential(ofUser: 0) == nil)
    #expect(again.credential(ofCertificate: "billing.internal")?.roles == .credit)
    #expect(again.credential(ofCertificate: "spiffe://example.com/web?a=1#2")?.roles == .spend)
    #expect(again.credential(ofCertificate: "shop") == nil)
    for secret in [old.secret, new.secret] { #expect(!credentials.text.contains(secret)) }
  }

  @Test func aNameHasTwoTokensAtATime() throws {
    var credentials = Credentials()
    for _ in 0..<2 { try credentials.add(Credential(.token(Token.make().digest), name: "shop", roles: .read)) }
    #expect(throws: CredentialsError.self) {
      try credentials.add(Credential(.token(Token.make().digest), name: "shop", roles: .read))
    }
    let first = credentials.entries[0]
    #expect(credentials.revoke(name: "shop", id: "ffffffffff").isEmpty)
    #expect(credentials.revoke(name: "shop", id: first.id).map(\.id) == [first.id])
    #expect(credentials.current(first) == nil)
    #expect(credentials.entries.count == 1)
    #expect(credentials.revoke(name: "shop", id: nil).count == 1 && credentials.entries.isEmpty)
  }

  static let digest = String(repeating: "ab", count: 32)

  /// What is not understood whole is no permission.
  @Test(arguments: [
    "", "mana-credentials 2\n", "token a sha256=\(digest) roles=read\n", "mana-credentials 1\ntoken a roles=read",
    "mana-credentials 1\ntoken a sha256=\(digest)", "mana-credentials 1\ntoken a sha256=\(digest) roles=reed",
    "mana-credentials 1\ntoken a sha256=\(digest) roles=", "mana-credentials 1\ntoken a sha256=abcd roles=read",
    "mana-credentials 1\ntoken a/b sha256=\(digest) roles=read", "mana-credentials 1\nuser root roles=read",
    "mana-credentials 1\ntoken a sha256=\(digest) roles=read amount-limit=1",
    "mana-credentials 1\nuser 0 roles=read roles=spend", "mana-credentials 1\ngroup 0 roles=read",
    "mana-credentials 1\nuser 0 roles=read\r",
  ])
  func doubtfulFilesAreRefused(text: String) {
    #expect(throws: CredentialsError.self) { try Credentials(parsing: text) }
  }
}
