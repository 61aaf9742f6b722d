/// What a caller may do. A caller has any number of roles; one without any may only ping.
public struct Roles: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Accounts, histories, balances, the server's status.
  public static let read = Roles(rawValue: 1)
  /// Spends, refunds and settlements.
  public static let spend = Roles(rawValue: 2)
  /// Purchases and bonuses: what makes Mana.
  public static let credit = Roles(rawValue: 4)
  /// Operating the server, its status included.
  public static let operate = Roles(rawValue: 8)
  public static let all: Roles = [.read, .spend, .credit, .operate]

  private static let named: [(name: String, role: Roles)] = [
    ("read", .read), ("spend", .spend), ("credit", .credit), ("operate", .operate),
  ]

  /// The role with that name, if there is one.
  public init?(name: some StringProtocol) {
    guard let match = Self.named.first(where: { $0.name == name }) else { return nil }
    self = match.role
  }

  /// The names of the roles, in the order of their declaration.
  public var names: [String] { Self.named.filter { contains($0.role) }.map(\.name) }
}
