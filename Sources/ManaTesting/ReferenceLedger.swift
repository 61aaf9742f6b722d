public import ManaProtocol

/// The ledger as the specification describes it, in plain dictionaries and arrays, to hold the real one against.
///
/// It is written from `Protocol/PROTOCOL.md` alone and shares no code with the real ledger. It is slow wherever slow is
/// simpler: listings look at every transaction, and sums are added up when they are asked for. Where the specification leaves a choice, the comment at the place
/// says what was chosen.
public struct ReferenceLedger {
  var accounts: [UInt128: Account] = [:]
  /// The unsettled spends of all accounts, by their timestamp, which no two transactions of a shard share.
  var unsettled: [UInt64: UnsettledSpend] = [:]
  /// Timestamp of the last thing that was accepted, in nanoseconds since 1970.
  public internal(set) var lastTimestamp: UInt64 = 0
  /// Leads from a spend's id to the id of the refund that the server posts when the settlement's timeout passes; while
  /// the account knows that id already, on to the next. The specification leaves the id to the server.
  let timeoutID: @Sendable (UInt128) -> UInt128

  public init(timeoutID: @escaping @Sendable (UInt128) -> UInt128) { self.timeoutID = timeoutID }

  /// Number of accounts.
  public var accountCount: Int { accounts.count }

  /// Number of transactions of all accounts.
  public var transactionCount: Int { accounts.values.reduce(0) { $0 + $1.transactions.count } }

  /// The accounts that exist, in ascending order.
  public var accountIDs: [UInt128] { accounts.keys.sorted() }

  /// The transactions of an account, oldest first; none when it is unknown.
  public func transactions(of account: UInt128) -> [ReferenceTransaction] { accounts[account]?.transactions ?? [] }

  /// The newest of them.
  func lastTransaction(of account: UInt128) -> ReferenceTransaction? { accounts[account]?.transactions.last }

  func transactionCount(of account: UInt128) -> Int { accounts[account]?.transactions.count ?? 0 }

  /// Whether the account has an item with this id, be it a transaction or not.
  func hasAccepted(_ id: UInt128, account: UInt128) -> Bool { accounts[account]?.accepted[id] != nil }

  // An account is looked at where it lies and not copied out: a copy that lives while the account changes would make
  // each change copy its whole history.

  func isKnown(_ account: UInt128) -> Bool { accounts[account] != nil }

  func balance(of account: UInt128) -> Int64 { accounts[account]?.balance ?? 0 }
}

extension ReferenceLedger {
  /// What is known of one account.
  struct Account {
    /// Transaction *i* has sequence number *i* + 1.
    var transactions: [ReferenceTransaction] = []
    /// Each item that was accepted, by its id: transactions, settlements that refunded nothing, tombstones.
    var accepted: [UInt128: Acceptance] = [:]
    /// The ids of spends that are refused when they arrive.
    var voided: Set<UInt128> = []
    /// Sums of the amounts, by type.
    var lifetime: [TransactionType: UInt64] = [:]

    var balance: Int64 { transactions.last?.balanceAfter ?? 0 }
  }

  /// What a repetition of an item is compared with, and answered with.
  struct Acceptance {
    /// The item as it was sent.
    var sent: ItemDraft
    /// Its result; `refundable` is looked up anew for each answer.
    var result: ItemResult
    /// The index of the transaction, nil when the item made none.
    var transaction: Int?
    /// The index of the spend whose refundable amount belongs into the result.
    var spend: Int?
  }

  /// A spend that waits for its settlement.
  struct UnsettledSpend {
    var account: UInt128
    /// The index among the account's transactions.
    var index: Int
    /// Nanoseconds since 1970.
    let deadline: UInt64
    /// When a refund that had no room is tried again; forgotten at a restart.
    var postponed: UInt64?
    var due: UInt64 { postponed ?? deadline }
  }
}

/// One transaction of a history.
public struct ReferenceTransaction: Equatable, Sendable {
  /// As a reply shows it: the amount resolved, a settlement's refund as a refund.
  public var shown: ItemDraft
  public var balanceAfter: Int64
  public var timestamp: UInt64
  public var sequence: UInt32
  /// Of a spend: what has been refunded so far, in micromana.
  public var refunded: UInt64 = 0
  public var settlement = SettlementState.none
  /// Of a settled spend: how much of it was used, and what the settlement was answered.
  var settled: (used: UInt64, result: ItemResult)?

  /// Of a spend: what can still be refunded, in micromana.
  public var refundable: UInt64 { type == .spend ? shown.item.amount - refunded : 0 }

  public var type: TransactionType { TransactionType(rawValue: shown.item.type)! }

  /// The 96 bytes of a reply.
  public var encoded: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: TransactionView.bytes)
    bytes.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      shown.itemWithLengths.store(to: base)
      base.store(i64: balanceAfter, 64)
      base.store(u64: timestamp, 72)
      base.store(u64: refunded, 80)
      base.store(u8: settlement.rawValue, 88)
      base.store(u32: sequence, 92)
    }
    return bytes
  }

  public static func == (first: ReferenceTransaction, second: ReferenceTransaction) -> Bool {
    first.encoded == second.encoded && first.shown.reference == second.shown.reference
      && first.shown.note == second.shown.note
  }
}
