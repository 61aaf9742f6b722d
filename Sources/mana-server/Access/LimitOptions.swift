import ArgumentParser
import ManaAccess
import ManaText

/// What a token may do at most, of what its roles allow.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Largest amount of one spend, purchase, bonus or refund, in Mana. (default: no limit)", valueName: "amount"),
    transform: Self.amount)
  var amountMax: UInt64?

  @Option(
    help: ArgumentHelp(
      "Most that purchases and bonuses make in a day of UTC together, in Mana, whichever token of the name is used. "
        + "(default: no limit)", valueName: "amount"),
    transform: Self.amount)
  var creditPerDayMax: UInt64?

  @Option(
    help: ArgumentHelp(
      "Only accounts whose id begins so: 1 to 32 of the 32 hexadecimal digits of a UUID, without hyphens. "
        + "(default: all accounts)", valueName: "digits"),
    transform: Self.prefix)
  var accountPrefix: AccountPrefix?

  var limits: CallerLimits {
    CallerLimits(amountMax: amountMax, creditPerDayMax: creditPerDayMax, accounts: accountPrefix)
  }

  /// The limits in words, to stand behind the roles.
  var text: String {
    var words: [String] = []
    if let amountMax { words.append("at most \(LedgerText.mana(amountMax)) Mana at a time") }
    if let creditPerDayMax { words.append("crediting at most \(LedgerText.mana(creditPerDayMax)) Mana a day") }
    if let accountPrefix { words.append("accounts \(accountPrefix)… alone") }
    return words.isEmpty ? "" : ", " + words.joined(separator: ", ")
  }

  private static func amount(_ text: String) throws -> UInt64 {
    guard let amount = LedgerText.micromana(text), amount > 0 else {
      throw ValidationError("'\(text)' is no amount of Mana above zero, like 500 or 0.5")
    }
    return amount
  }

  private static func prefix(_ text: String) throws -> AccountPrefix {
    guard let prefix = AccountPrefix(hexadecimal: text) else {
      throw ValidationError("'\(text)' is not 1 to 32 hexadecimal digits")
    }
    return prefix
  }
}
