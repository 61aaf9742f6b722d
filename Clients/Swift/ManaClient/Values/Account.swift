public import ManaProtocol

/// What the head of an account's usage page shows.
///
/// `balance = lifetimePurchased + lifetimeBonus + lifetimeRefunded − lifetimeSpent`, for anyone to check.
public struct Account: Hashable, Sendable, Identifiable {
  /// Sum and number of the transactions of one operation.
  public struct Total: Hashable, Sendable {
    /// Sum of the amounts.
    public var amount: Mana
    /// Number of the transactions.
    public var count: Int
  }

  /// The account.
  public var id: AccountID
  /// What can be spent now.
  public var balance: Mana
  /// Everything ever spent, refunded or not.
  public var lifetimeSpent: Mana
  /// Everything ever bought.
  public var lifetimePurchased: Mana
  /// Everything ever given back.
  public var lifetimeRefunded: Mana
  /// Everything ever given for free.
  public var lifetimeBonus: Mana
  /// The sum of the spends that are charged and not settled yet, which are part of ``lifetimeSpent``.
  public var unsettled: Mana
  /// Their number.
  public var unsettledCount: Int
  /// Number of transactions.
  public var transactionCount: Int
  /// When the first transaction was executed.
  public var firstTransaction: Timestamp
  /// When the last transaction was executed.
  public var lastTransaction: Timestamp

  private var totals: [Total]

  /// Sum and number of the transactions of an operation. Constant time.
  public subscript(operation: Operation) -> Total { totals[Int(operation.rawValue) - 1] }
}

extension Account {
  /// Throws `malformedBody` when a total is larger than any balance could be.
  init(_ overview: AccountOverview) throws(ProtocolError) {
    func exact(_ micromana: UInt64) throws(ProtocolError) -> Mana {
      guard let amount = Mana(exactlyMicromana: micromana) else {
        throw ProtocolError(.malformedBody, "a total of \(micromana) micromana is more than 2^63 − 1")
      }
      return amount
    }
    id = AccountID(overview.account)
    balance = Mana(micromana: overview.balance)
    lifetimeSpent = try exact(overview.lifetime(.spend))
    lifetimePurchased = try exact(overview.lifetime(.purchase))
    lifetimeRefunded = try exact(overview.lifetime(.refund))
    lifetimeBonus = try exact(overview.lifetime(.bonus))
    unsettled = try exact(overview.unsettled)
    unsettledCount = Int(clamping: overview.unsettledCount)
    transactionCount = Int(clamping: overview.transactions)
    firstTransaction = Timestamp(nanoseconds: overview.firstTimestamp)
    lastTransaction = Timestamp(nanoseconds: overview.lastTimestamp)
    totals = []
    for total in overview.operations {
      totals.append(Total(amount: try exact(total.amount), count: Int(clamping: total.count)))
    }
  }
}

/// The balance that an account had at a moment.
public struct HistoricBalance: Hashable, Sendable {
  /// The balance after the last transaction that was not later; zero when there was none.
  public var balance: Mana
  /// That transaction's sequence number; 0 when there was none.
  public var sequence: UInt64
  /// That transaction's time; nil when there was none.
  public var timestamp: Timestamp?
}

extension HistoricBalance {
  init(_ reply: BalanceAt) {
    balance = Mana(micromana: reply.balance)
    sequence = reply.sequence
    timestamp = reply.sequence == 0 ? nil : Timestamp(nanoseconds: reply.timestamp)
  }
}
