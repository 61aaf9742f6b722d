public import ManaProtocol

/// Transactions of any accounts and types to be posted together.
///
/// A batch owns the bytes that will be sent: each transaction is encoded once, where it will be sent from. It can be
/// posted again, which is what to do when the fate of the first attempt is unknown: what was applied is replayed.
///
/// ```swift
/// var batch = Batch()
/// for (customer, job) in jobs {
///   try batch.spend(customer, 10, for: .combination, quantity: 1_000, reference: job)
/// }
/// let results = try await client.post(batch)
/// ```
public struct Batch: ~Copyable, Sendable {
  private(set) var full: [BatchChunk] = []
  private var last: BatchChunk

  /// An empty batch with room for `capacity` transactions before its buffer grows.
  public init(capacity: Int = 64) {
    last = BatchChunk(capacity: min(max(capacity, 1), Limits.itemsMax))
  }

  /// Number of transactions.
  public var count: Int { full.reduce(last.count) { $0 + $1.count } }

  /// Whether there are none.
  public var isEmpty: Bool { full.isEmpty && last.count == 0 }

  /// Every chunk, each of them within the limits of the protocol.
  var chunks: [BatchChunk] { full + [last] }

  /// Takes out every transaction, and keeps the memory for those to come: a program that posts batch after batch fills
  /// one of them again and again. The results of a batch stay what they are.
  public mutating func removeAll() {
    full = []
    last.removeAll()
  }

  @inline(__always)
  private mutating func append(_ posting: Posting) {
    if !last.hasRoom(for: posting.bytes, itemsMax: Limits.itemsMax, frameBytesMax: Limits.frameBytesMax) {
      full.append(last)
      last = BatchChunk(capacity: Limits.itemsMax)
    }
    last.append(posting)
  }
}

extension Batch {
  /// Adds a spend; the parameters are those of
  /// ``ManaClient/spend(_:_:for:quantity:id:settleWithin:reference:note:deadline:coalescing:)``.
  ///
  /// Throws ``ManaError/Code/invalidArgument`` for what no ledger could accept. Amortized constant time.
  @discardableResult
  public mutating func spend(
    _ account: AccountID, _ amount: Mana, for operation: Operation, quantity: Int = 0, id: TransactionID = .random(),
    settleWithin: Duration? = nil, reference: String? = nil, note: String? = nil
  ) throws(ManaError) -> TransactionID {
    append(
      try .spend(
        account, amount, for: operation, quantity: quantity, id: id, settleWithin: settleWithin,
        reference: reference, note: note))
    return id
  }

  /// Adds a purchase, which creates the account when it is its first credit.
  ///
  /// Throws ``ManaError/Code/invalidArgument`` for what no ledger could accept. Amortized constant time.
  @discardableResult
  public mutating func purchase(
    _ account: AccountID, _ amount: Mana, quantity: Int = 0, id: TransactionID = .random(),
    reference: String? = nil, note: String? = nil
  ) throws(ManaError) -> TransactionID {
    append(
      try .credit(.purchase, account, amount, quantity: quantity, id: id, reference: reference, note: note))
    return id
  }

  /// Adds a bonus, which creates the account when it is its first credit.
  ///
  /// Throws ``ManaError/Code/invalidArgument`` for what no ledger could accept. Amortized constant time.
  @discardableResult
  public mutating func bonus(
    _ account: AccountID, _ amount: Mana, quantity: Int = 0, id: TransactionID = .random(),
    reference: String? = nil, note: String? = nil
  ) throws(ManaError) -> TransactionID {
    append(try .credit(.bonus, account, amount, quantity: quantity, id: id, reference: reference, note: note))
    return id
  }

  /// Adds a refund of `amount`, or of everything that is left when it is nil.
  ///
  /// Throws ``ManaError/Code/invalidArgument`` for what no ledger could accept. Amortized constant time.
  @discardableResult
  public mutating func refund(
    _ account: AccountID, of spend: TransactionID, amount: Mana? = nil, id: TransactionID = .random(),
    voidIfUnknown: Bool = false, reference: String? = nil, note: String? = nil
  ) throws(ManaError) -> TransactionID {
    append(
      try .refund(
        account, of: spend, amount: amount, id: id, voidIfUnknown: voidIfUnknown, reference: reference, note: note))
    return id
  }

  /// Adds a settlement of a spend that asked for one.
  ///
  /// Throws ``ManaError/Code/invalidArgument`` for what no ledger could accept. Amortized constant time.
  @discardableResult
  public mutating func settle(
    _ account: AccountID, _ spend: TransactionID, as outcome: SettlementOutcome, id: TransactionID = .random(),
    note: String? = nil
  ) throws(ManaError) -> TransactionID {
    append(try .settle(account, spend, as: outcome, id: id, note: note))
    return id
  }
}
