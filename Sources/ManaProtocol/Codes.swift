/// What a transaction does to a balance. The raw value is its code on the wire and in the journal.
public enum TransactionType: UInt8, CaseIterable, Sendable {
  /// Takes Mana for an operation.
  case spend = 1
  /// Adds Mana that was bought.
  case purchase = 2
  /// Gives back a spend, in part or as a whole.
  case refund = 3
  /// Adds Mana that is given.
  case bonus = 4
  /// An instruction that ends a settlement. It never appears in a history.
  case settlement = 5

  /// The types that a history can contain.
  public static let recorded: [TransactionType] = [.spend, .purchase, .refund, .bonus]

  /// The type's name as the command line and JSON spell it.
  public var name: String {
    switch self {
    case .spend: "spend"
    case .purchase: "purchase"
    case .refund: "refund"
    case .bonus: "bonus"
    case .settlement: "settlement"
    }
  }

  /// The type with that name, if there is one.
  public init?(name: some StringProtocol) {
    guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }
}

/// What a transaction was for. The raw value is its code on the wire and in the journal.
public enum Operation: UInt8, CaseIterable, Sendable {
  /// An image was generated.
  case imageGeneration = 1
  /// Something was looked for in an image.
  case detection = 2
  /// A variation of an image was made.
  case variation = 3
  /// Combinations of traits were made.
  case combination = 4
  /// Files were exported.
  case export = 5
  /// The operation of every purchase.
  case purchase = 6
  /// The operation of every refund.
  case refund = 7
  /// The operation of every bonus.
  case bonus = 8

  /// The operation's name as the customer's usage page, the command line and JSON spell it.
  public var name: String {
    switch self {
    case .imageGeneration: "image_generation"
    case .detection: "detection"
    case .variation: "variation"
    case .combination: "combination"
    case .export: "export"
    case .purchase: "purchase"
    case .refund: "refund"
    case .bonus: "bonus"
    }
  }

  /// The operation with that name, if there is one.
  public init?(name: some StringProtocol) {
    guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }

  /// The type that transactions of this operation have.
  public var type: TransactionType {
    switch self {
    case .imageGeneration, .detection, .variation, .combination, .export: .spend
    case .purchase: .purchase
    case .refund: .refund
    case .bonus: .bonus
    }
  }
}

/// How the settlement of a spend stands. The raw value is its code on the wire.
public enum SettlementState: UInt8, CaseIterable, Sendable {
  /// The spend asked for none.
  case none = 0
  /// Charged, and neither settled nor refunded yet.
  case unsettled = 1
  /// Settled by the caller, with or without a refund of what was not used.
  case settled = 2
  /// Ended by a refund.
  case refunded = 3
  /// Refunded by the server when the timeout passed.
  case timedOut = 4
}

/// What a frame is. Replies have the request's code with bit 7 set.
public enum Opcode: UInt8, CaseIterable, Sendable {
  case hello = 0x01
  case spend = 0x10
  case refund = 0x11
  case purchase = 0x12
  case bonus = 0x13
  case post = 0x14
  case settle = 0x15
  case listTransactions = 0x20
  case getAccount = 0x21
  case lookupTransaction = 0x22
  case balanceAt = 0x23
  case listUnsettled = 0x24
  case ping = 0x30
  case serverStatus = 0x31
  case shardStatus = 0x32
  case drain = 0x33
  case welcome = 0x81
  case goAway = 0x82

  /// Set in the opcode of each reply.
  public static let replyBit: UInt8 = 0x80

  /// The type that every item of this call must have; nil for a mixed batch and for calls without items.
  public var itemType: TransactionType? {
    switch self {
    case .spend: .spend
    case .refund: .refund
    case .purchase: .purchase
    case .bonus: .bonus
    case .settle: .settlement
    default: nil
    }
  }

  /// Whether this is one of the calls that share the batch layout.
  public var isPosting: Bool { self == .post || itemType != nil }
}
