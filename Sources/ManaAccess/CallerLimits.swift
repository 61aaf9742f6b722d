import ManaText

/// What a caller may do at most with the roles that it has. Nil is no limit.
///
///     token shop sha256=9f86…0a08 roles=spend,credit amount-max=500.0 credit-per-day-max=20000.0 account-prefix=7f
public struct CallerLimits: Sendable, Equatable {
  /// Largest amount that a spend, purchase, bonus or refund may name, in micromana.
  public var amountMax: UInt64?
  /// Most that purchases and bonuses may make in a day of UTC, all together, in micromana.
  public var creditPerDayMax: UInt64?
  /// The accounts that the caller may name, in whatever call.
  public var accounts: AccountPrefix?

  public init(amountMax: UInt64? = nil, creditPerDayMax: UInt64? = nil, accounts: AccountPrefix? = nil) {
    self.amountMax = amountMax
    self.creditPerDayMax = creditPerDayMax
    self.accounts = accounts
  }

  /// Whether there is no limit.
  public var isEmpty: Bool { self == CallerLimits() }

  /// Each limit as a credentials file has it: `amount-max=500.0`.
  public var fields: [String] {
    var fields: [String] = []
    if let amountMax { fields.append("amount-max=\(LedgerText.mana(amountMax))") }
    if let creditPerDayMax { fields.append("credit-per-day-max=\(LedgerText.mana(creditPerDayMax))") }
    if let accounts { fields.append("account-prefix=\(accounts)") }
    return fields
  }

  /// Takes the limits out of a line's fields.
  init(taking fields: inout [Substring: Substring]) throws(CredentialsError) {
    amountMax = try Self.amount("amount-max", &fields)
    creditPerDayMax = try Self.amount("credit-per-day-max", &fields)
    guard let prefix = fields.removeValue(forKey: "account-prefix") else { return }
    guard let accounts = AccountPrefix(hexadecimal: prefix) else {
      throw .line("account-prefix= takes 1 to 32 hexadecimal digits, not '\(prefix)'")
    }
    self.accounts = accounts
  }

  private static func amount(
    _ name: Substring, _ fields: inout [Substring: Substring]
  ) throws(CredentialsError) -> UInt64? {
    guard let text = fields.removeValue(forKey: name) else { return nil }
    guard let amount = LedgerText.micromana(text) else {
      throw .line("\(name)= takes an amount of Mana like 500 or 0.5, not '\(text)'")
    }
    return amount
  }
}

/// The accounts whose ids begin with the same digits, of the 32 hexadecimal digits that an id has: those of a UUID
/// without its hyphens. Account 42 is `0000…002a`.
public struct AccountPrefix: Sendable, Equatable, CustomStringConvertible {
  private static let digitsMax = 32

  /// The digits in lower case.
  public let description: String
  private let bits: UInt128
  private let shift: Int

  /// Reads 1 to 32 hexadecimal digits; nil for anything else.
  public init?(hexadecimal text: some StringProtocol) {
    guard (1...Self.digitsMax).contains(text.utf8.count) else { return nil }
    var bits: UInt128 = 0
    for byte in text.utf8 {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
      bits = bits << 4 | UInt128(digit)
    }
    self.bits = bits
    shift = 4 * (Self.digitsMax - text.utf8.count)
    description = text.lowercased()
  }

  /// Whether an account's id begins with these digits. Constant time.
  public func contains(_ account: UInt128) -> Bool { account >> UInt128(shift) == bits }
}
