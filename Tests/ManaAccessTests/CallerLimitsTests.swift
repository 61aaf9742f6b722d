import Testing

@testable import ManaAccess

@Suite struct CallerLimitsTests {
  @Test(arguments: [
    ("0", UInt128(42), true), ("00000000", 42, true), ("0000000000000000000000000000002a", 42, true),
    ("0000000000000000000000000000002A", 42, true), ("0000000000000000000000000000002b", 42, false), ("1", 42, false),
    ("7f", UInt128(0x7F) << 120, true), ("7f", UInt128(0x7F) << 112, false), ("f", .max, true), ("7", .max, false),
  ])
  func prefixesOfAccounts(digits: String, account: UInt128, isCovered: Bool) throws {
    #expect(try #require(AccountPrefix(hexadecimal: digits)).contains(account) == isCovered)
  }

  @Test(arguments: ["", "g", "0x7f", "7f-", "７", String(repeating: "0", count: 33)])
  func whatIsNoPrefix(digits: String) { #expect(AccountPrefix(hexadecimal: digits) == nil) }

  static let digest = String(repeating: "ab", count: 32)

  @Test(arguments: [
    ("roles=credit amount-max=0.5", CallerLimits(amountMax: 500_000)),
    ("roles=credit credit-per-day-max=20000", CallerLimits(creditPerDayMax: 20_000_000_000)),
    ("account-prefix=7F roles=credit", CallerLimits(accounts: AccountPrefix(hexadecimal: "7f"))),
    (
      "roles=read,credit amount-max=1.0 credit-per-day-max=2.0 account-prefix=00",
      CallerLimits(amountMax: 1_000_000, creditPerDayMax: 2_000_000, accounts: AccountPrefix(hexadecimal: "00"))
    ),
    ("roles=credit", CallerLimits()),
  ])
  func aLineSaysItsLimits(fields: String, limits: CallerLimits) throws {
    for line in ["token a sha256=\(Self.digest) \(fields)", "user 7 \(fields)", "certificate a.b \(fields)"] {
      let credential = try Credential(line: line[...])
      #expect(credential.limits == limits && credential.limits.isEmpty == (limits == CallerLimits()))
      let again = try Credential(line: credential.line[...])
      #expect(again.limits == limits && again.permissions == credential.permissions)
    }
  }

  @Test(arguments: [
    "amount-max=", "amount-max=-1", "amount-max=1e3", "amount-max=0.0000001", "amount-max=9223372036854.775808",
    "amount-max=1 amount-max=2", "credit-per-day-max=many", "account-prefix=", "account-prefix=xy", "amount-limit=1",
  ])
  func aLimitThatIsNotUnderstoodIsNoPermission(field: String) {
    #expect(throws: CredentialsError.self) { try Credential(line: "user 7 roles=read \(field)"[...]) }
  }
}
