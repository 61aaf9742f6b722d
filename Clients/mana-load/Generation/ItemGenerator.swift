import ManaProtocol

/// Makes the transactions of a run. The same seed makes the same ones, as long as refunds find the same spends.
struct ItemGenerator: Sendable {
  let accounts: AccountSet
  /// Acknowledged spends that nobody has refunded yet; `mixed` refunds them.
  var refundable = SpendRing(capacity: LoadLimits.refundableSpends)
  private let chooser: AccountChooser
  private var random: SplitMix64
  private var ids: TransactionIDs

  init(accounts: Int, distribution: Distribution, seed: UInt64) {
    self.accounts = AccountSet(count: accounts, seed: seed)
    chooser = AccountChooser(distribution, count: accounts)
    random = SplitMix64(seed: mix64(seed &+ 1))
    ids = TransactionIDs(seed: seed)
  }

  /// The spend that every other item of `combination-batches` is a copy of, but for id and account.
  static let combination = Item(
    id: 0, account: 0, amount: Price.combination, quantity: 1, type: .spend, operation: .combination)

  /// Gives `item` the next id and an account. Constant time; in the steady state this is all that a charge costs.
  @inline(__always)
  mutating func fill(_ item: inout Item) {
    item.id = ids.next()
    item.account = accounts[chooser.draw(&random)]
  }

  /// The next account to read.
  mutating func account() -> UInt128 { accounts[chooser.draw(&random)] }

  /// A transaction on the account with that index, for set-up.
  mutating func item(
    on index: Int, _ type: TransactionType, _ operation: Operation, amount: UInt64
  ) -> Item {
    Item(id: ids.next(), account: accounts[index], amount: amount, type: type, operation: operation)
  }

  /// Whether the next request of `mixed` reads a page.
  mutating func listsNext() -> Bool { random.next(below: 100) < Mix.listTransactions }

  /// The next transaction of `mixed`. A refund that finds no spend to refund is made a spend.
  mutating func mixed() -> Item {
    let share = random.next(below: Mix.posting)
    if share < Mix.refund, let spend = refundable.popOldest() {
      return Item(
        id: ids.next(), account: accounts[spend.account], related: spend.id, amount: 0, type: .refund,
        flags: .remaining, operation: .refund)
    }
    let account = accounts[chooser.draw(&random)]
    if share < Mix.refund + Mix.spend {
      let price = Price.mixed[random.next(below: Price.mixed.count)]
      return Item(
        id: ids.next(), account: account, amount: price.amount, quantity: 1, type: .spend, operation: price.operation)
    }
    let type: TransactionType = share < Mix.refund + Mix.spend + Mix.purchase ? .purchase : .bonus
    return Item(
      id: ids.next(), account: account, amount: 500_000_000, type: type,
      operation: type == .purchase ? .purchase : .bonus)
  }
}

/// The latest acknowledged spends, oldest first out. A full ring forgets its oldest.
struct SpendRing: Sendable {
  /// A spend that can be refunded.
  struct Spend: Equatable, Sendable {
    var id: UInt128
    /// Index of its account.
    var account: Int
  }

  private var slots: [Spend]
  private var first = 0
  private(set) var count = 0

  init(capacity: Int) { slots = Array(repeating: Spend(id: 0, account: 0), count: capacity) }

  /// Constant time.
  mutating func push(_ spend: Spend) {
    slots[(first + count) % slots.count] = spend
    if count < slots.count { count += 1 } else { first = (first + 1) % slots.count }
  }

  /// Constant time; nil when the ring is empty.
  mutating func popOldest() -> Spend? {
    guard count > 0 else { return nil }
    defer {
      first = (first + 1) % slots.count
      count -= 1
    }
    return slots[first]
  }
}
