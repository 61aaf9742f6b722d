import ArgumentParser
import ManaAccess
import ManaEventLoop
import ManaText

/// `mana-server token`: who is let in.
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Make, list and revoke the tokens by which a server knows its callers.",
    discussion: """
      With the first token a server lets in only callers that it knows. A running server reads the file on SIGHUP: it \
      then knows new tokens, and sends away whoever came with a revoked one.

      Roles: read (accounts and histories), spend (spends, refunds, settlements), credit (purchases and bonuses), \
      operate (the server itself). Limits narrow what roles allow: --amount-max, --credit-per-day-max and \
      --account-prefix.

      A line 'user 1000 roles=read' in the file lets in that user at a Unix socket without a token.

      EXAMPLES
        mana-server token create shop --role spend --role read > shop.token
        mana-server token create promotions --role credit --amount-max 50 --credit-per-day-max 20000 > promotions.token
        mana-server token list --directory /var/lib/mana
        mana-server token revoke shop --id 3f2a91c0
        kill -HUP $(cat mana-data/lock)
      """,
    subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

/// Which file of credentials is meant.
struct CredentialsOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The ledger whose file 'credentials' is meant.", valueName: "directory"))
  var directory = "./mana-data"

  @Option(help: ArgumentHelp("The credentials file, where it is not in the data directory.", valueName: "file"))
  var file: String?

  // Not named as the server's own options are: those stand before the name of a command and would take these.
  var credentialsFile: CredentialsFile {
    CredentialsFile(path: file ?? "\(directory)/\(CredentialsFile.nameInDataDirectory)")
  }
}

struct TokenCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a token and print it, once: it is stored nowhere.",
    discussion: """
      The token alone is on standard output. A name can have two tokens at a time, so that one can be replaced while \
      the other still works.
      """)

  @Argument(help: "Who holds it: 1 to 64 letters, digits, dots, hyphens and underscores.")
  var name: String

  @Option(help: "read, spend, credit or operate; once for each.", transform: Self.role)
  var role: [Roles]

  @OptionGroup var limits: LimitOptions

  @OptionGroup var options: CredentialsOptions

  func validate() throws {
    guard Credential.isName(name) else {
      throw ValidationError("'\(name)' is no name: 1 to 64 letters, digits, dots, hyphens and underscores")
    }
    guard !role.isEmpty else { throw ValidationError("give at least one --role: read, spend, credit or operate") }
  }

  func run() throws {
    let token = Token.make()
    let now = wallClockNanoseconds()
    let credential = Credential(
      .token(token.digest), name: name, roles: role.reduce([]) { $0.union($1) },
      limits: limits.limits, created: ToolText.time(now - now % 1_000_000_000))
    try reporting { () throws(CredentialsError) in
      try options.credentialsFile.update { (credentials) throws(CredentialsError) in try credentials.add(credential) }
    }
    try StandardOutput.write(line: token.secret)
    try StandardError.write(
      line:
        "\(credential.label) may \(credential.roles.names.joined(separator: ", "))\(limits.text). Keep it: it is not shown again. "
        + "A running server knows it after SIGHUP.")
  }

  private static func role(_ text: String) throws -> Roles {
    guard let role = Roles(name: text) else {
      throw ValidationError("'\(text)' is no role; write read, spend, credit or operate")
    }
    return role
  }
}

struct TokenListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List who is let in, and what each may do.")

  @OptionGroup var options: CredentialsOptions

  @Flag(help: "Print one line of JSON for each.")
  var json = false

  func run() throws {
    guard let credentials = try reporting({ () throws(CredentialsError) in try options.credentialsFile.read() }) else {
      try StandardError.write(
        line: "mana-server: \(options.credentialsFile.path) is not there: a server lets in everybody who reaches it")
      throw ExitCode(66)
    }
    for entry in credentials.entries {
      try StandardOutput.write(line: json ? Self.json(entry).description : Self.text(entry))
    }
  }

  private static func text(_ entry: Credential) -> String {
    [
      entry.label, entry.roles.names.joined(separator: ","), entry.limits.fields.joined(separator: " "), entry.created,
    ].filter { !$0.isEmpty }.joined(separator: "  ")
  }

  private static func json(_ entry: Credential) -> JSONObject {
    var line = JSONObject()
    switch entry.proof {
    case .token: line.add("kind", "token")
    case .user: line.add("kind", "user")
    case .certificate: line.add("kind", "certificate")
    }
    line.add("name", entry.name)
    if !entry.id.isEmpty { line.add("id", entry.id) }
    line.add("roles", entry.roles.names)
    if let amount = entry.limits.amountMax { line.add("amountMax", LedgerText.mana(amount)) }
    if let amount = entry.limits.creditPerDayMax { line.add("creditPerDayMax", LedgerText.mana(amount)) }
    if let accounts = entry.limits.accounts { line.add("accountPrefix", accounts.description) }
    if !entry.created.isEmpty { line.add("created", entry.created) }
    return line
  }
}

struct TokenRevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Revoke the tokens of a name, or one of them.")

  @Argument(help: "Who holds it.")
  var name: String

  @Option(help: "The id of one token, from 'token list'; without it all tokens of the name are revoked.")
  var id: String?

  @OptionGroup var options: CredentialsOptions

  func run() throws {
    let revoked = try reporting { () throws(CredentialsError) in
      guard try options.credentialsFile.read() != nil else { return [Credential]() }
      return try options.credentialsFile.update { (credentials) throws(CredentialsError) in
        credentials.revoke(name: name, id: id)
      }
    }
    guard !revoked.isEmpty else {
      try StandardError.write(
        line:
          "mana-server: there is no token of \(name)\(id.map { " with id \($0)" } ?? ""); see mana-server token list")
      throw ExitCode(66)
    }
    for credential in revoked { try StandardOutput.write(line: "revoked \(credential.label)") }
    try StandardError.write(line: "A running server goes by it after SIGHUP.")
  }
}

/// Says what is wrong with a credentials file, and ends the process.
private func reporting<Result>(_ body: () throws(CredentialsError) -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    try StandardError.write(line: "mana-server: \(error)")
    throw ExitCode(78)
  }
}
