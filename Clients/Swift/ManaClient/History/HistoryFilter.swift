public import ManaProtocol

/// Which transactions of a history are wanted. Everything that is set must hold; nothing is set to begin with.
public struct HistoryFilter: Hashable, Sendable {
  /// Every transaction.
  public static let all = HistoryFilter()

  /// Only these types; empty for any.
  public var types: Set<TransactionType>
  /// Only these operations; empty for any.
  public var operations: Set<Operation>
  /// Only from this moment on.
  public var from: Timestamp?
  /// Only before this moment.
  public var until: Timestamp?
  /// Only amounts of at least this.
  public var amountMin: Mana?
  /// Only amounts of at most this.
  public var amountMax: Mana?
  /// Only refunds of this spend.
  public var related: TransactionID?
  /// Only transactions with exactly this reference.
  public var reference: String?

  /// Everything, but for what is given.
  public init(
    types: Set<TransactionType> = [], operations: Set<Operation> = [], from: Timestamp? = nil,
    until: Timestamp? = nil, amountMin: Mana? = nil, amountMax: Mana? = nil, related: TransactionID? = nil,
    reference: String? = nil
  ) {
    self.types = types
    self.operations = operations
    self.from = from
    self.until = until
    self.amountMin = amountMin
    self.amountMax = amountMax
    self.related = related
    self.reference = reference
  }
}

/// A place in a history that stays right while transactions arrive: the sequence number of the next transaction.
///
/// Store it, as a number, and resume from it whenever. `HistoryCursor(sequence: 57)` opens a history in its middle.
public struct HistoryCursor: Hashable, Sendable, Codable, LosslessStringConvertible {
  /// The sequence number to start at, included. At least 1.
  public var sequence: UInt64

  /// A cursor that starts at a sequence number, from 1 on.
  public init(sequence: UInt64) { self.sequence = sequence }

  /// Parses the sequence number; nil for zero and for anything that is no number.
  public init?(_ text: String) {
    guard let sequence = UInt64(text), sequence > 0 else { return nil }
    self.sequence = sequence
  }

  /// The sequence number.
  public var description: String { String(sequence) }

  /// Decodes the sequence number.
  public init(from decoder: any Decoder) throws {
    sequence = try decoder.singleValueContainer().decode(UInt64.self)
  }

  /// Encodes the sequence number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(sequence)
  }
}

/// One page of a history.
public struct HistoryPage: Hashable, Sendable {
  /// The transactions, in the order that was asked for. Fewer than the limit, even none, when the server had looked at
  /// as many as one call may: ``nextCursor`` tells whether there may be more.
  public var transactions: [Transaction]
  /// Number of transactions of the account, unfiltered.
  public var total: Int
  /// Where the next page starts; nil when there is nothing further.
  public var nextCursor: HistoryCursor?
  /// The account's balance when the page was made.
  public var balance: Mana
}

extension HistoryPage {
  /// Throws `malformedBody` for what version 1 does not know. Linear in the page.
  init(_ view: HistoryReplyView) throws(ProtocolError) {
    transactions = []
    transactions.reserveCapacity(view.prelude.count)
    var textOffset = 0
    for index in 0..<view.prelude.count {
      transactions.append(try Transaction(view[index], text: view.text, textOffset: textOffset))
      textOffset += view[index].item.textBytes
    }
    total = Int(clamping: view.prelude.total)
    nextCursor = view.prelude.more && view.prelude.next > 0 ? HistoryCursor(sequence: view.prelude.next) : nil
    balance = Mana(micromana: view.prelude.balance)
  }
}
