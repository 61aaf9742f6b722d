import ManaProtocol

/// A seeded stream of batches that visits the corners of the specification on purpose.
///
/// Accounts are skewed; ids come again, as exact repetitions and with each kind of difference; refunds name known,
/// unknown and foreign spends; every stateless defect occurs; amounts touch their limits; time stands still and jumps
/// back. The stream depends on the seed alone, not on what a ledger answers.
public struct Workload: Sendable {
  /// How large the stream's world is.
  public struct Shape: Sendable {
    /// Number of accounts. Every eighth is rich: amounts at the limits of 64 bits occur on it.
    public var accounts = 48
    /// Most items in a batch, but for atomic ones, which have at most 12.
    public var itemsMax = 40
    /// Little but unsettled spends, and what ends them: refunds, settlements, and again each with the id of another.
    public var isAboutSpends = false

    public init(accounts: Int = 48, itemsMax: Int = 40, isAboutSpends: Bool = false) {
      self.accounts = accounts
      self.itemsMax = itemsMax
      self.isAboutSpends = isAboutSpends
    }
  }

  /// When the stream's clock starts, in nanoseconds since 1970.
  public static let start: UInt64 = 1_800_000_000_000_000_000

  public let shape: Shape
  var random: SplitMix64
  /// The time of the next batch, in nanoseconds since 1970.
  public private(set) var clock = Workload.start
  /// What was sent lately, by the account's number.
  var memories: [Memory]
  private var lastBatch: ItemBatch?
  private var lastAtomicBatch: ItemBatch?

  public init(seed: UInt64, shape: Shape = Shape()) {
    self.shape = shape
    random = SplitMix64(seed: seed)
    memories = [Memory](repeating: Memory(), count: shape.accounts)
  }

  /// The next batch. `clock` is the time at which it is meant to be posted.
  public mutating func nextBatch() -> ItemBatch {
    advanceClock()
    let batch: ItemBatch
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<6: batch = lastBatch ?? mixedBatch()
    case 6..<9: batch = lastAtomicBatch ?? atomicBatch()
    case 9..<25: batch = atomicBatch()
    case _ where shape.isAboutSpends: batch = spendsBatch()
    case 25..<40: batch = singleTypeBatch(of: TransactionType.allCases.randomElement(using: &random)!)
    default: batch = mixedBatch()
    }
    lastBatch = batch
    if batch.atomic { lastAtomicBatch = batch }
    return batch
  }

  /// The account with that number, below `shape.accounts`. Ids are small numbers and 128-bit ones in turn.
  public func account(_ number: Int) -> UInt128 {
    if number % 2 == 0 { return UInt128(number + 1) }
    return UInt128(mix64(UInt64(number))) << 64 | UInt128(mix64(~UInt64(number)))
  }

  static func isRich(_ number: Int) -> Bool { number % 8 == 7 }

  mutating func anyAccount() -> Int { random.skewed(below: shape.accounts) }
}

extension Workload {
  /// What was sent to one account lately; the oldest is forgotten first.
  struct Memory {
    static let depth = 64
    var all: [ItemDraft] = []
    var spends: [ItemDraft] = []
    var unsettled: [ItemDraft] = []
    var settlements: [ItemDraft] = []
    /// Spends that were voided before they came.
    var late: [UInt128] = []

    mutating func remember(_ draft: ItemDraft) {
      Self.push(draft, to: &all)
      switch TransactionType(rawValue: draft.item.type) {
      case .spend where draft.item.flags.contains(.unsettled):
        Self.push(draft, to: &spends)
        Self.push(draft, to: &unsettled)
      case .spend: Self.push(draft, to: &spends)
      case .settlement: Self.push(draft, to: &settlements)
      default: break
      }
    }

    private static func push(_ draft: ItemDraft, to drafts: inout [ItemDraft]) {
      if drafts.count == depth { drafts.removeFirst() }
      drafts.append(draft)
    }
  }

  /// Mostly forward by milliseconds, sometimes not at all, back, or far ahead.
  private mutating func advanceClock() {
    let second: UInt64 = 1_000_000_000
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<15: break
    case 15..<20: clock -= UInt64.random(in: 0..<5 * second, using: &random)
    case 20..<24: clock += UInt64.random(in: 0..<20 * second, using: &random)
    case 24: clock += UInt64.random(in: 0..<3_600 * second, using: &random)
    case 25..<40: clock += UInt64.random(in: 0..<3, using: &random)
    default: clock += UInt64.random(in: 0..<50_000_000, using: &random)
    }
  }

  private mutating func mixedBatch() -> ItemBatch {
    let count = Int.random(in: 1...shape.itemsMax, using: &random)
    return ItemBatch((0..<count).map { _ in draft(anyAccount()) }, fullResults: random.chance(8, in: 10))
  }

  private mutating func spendsBatch() -> ItemBatch {
    let count = Int.random(in: 1...shape.itemsMax, using: &random)
    return ItemBatch((0..<count).map { _ in aboutSpends(anyAccount()) })
  }

  private mutating func singleTypeBatch(of type: TransactionType) -> ItemBatch {
    let count = Int.random(in: 1...shape.itemsMax, using: &random)
    let drafts = (0..<count).map { _ in
      random.chance(1, in: 20) ? draft(anyAccount()) : valid(type, anyAccount())
    }
    return ItemBatch(drafts, itemType: type, fullResults: random.chance(8, in: 10))
  }

  /// A batch on one account; in half of the cases its items are valid but for one place, which fails for certain.
  private mutating func atomicBatch() -> ItemBatch {
    let number = anyAccount()
    let count = Int.random(in: 1...12, using: &random)
    if random.chance(1, in: 8) {
      return ItemBatch((0..<count).map { _ in draft(number, onOtherAccounts: false) }, atomic: true)
    }
    var drafts = (0..<count).map { _ in
      valid(random.chance(1, in: 3) ? TransactionType.allCases.randomElement(using: &random)! : .spend, number)
    }
    if random.chance(1, in: 2) {
      let place = Int.random(in: 0..<count, using: &random)
      drafts[place] = random.chance(1, in: 2) ? unaffordable(number) : repetition(number) ?? unaffordable(number)
    }
    return ItemBatch(drafts, atomic: true, fullResults: random.chance(8, in: 10))
  }

  private mutating func unaffordable(_ number: Int) -> ItemDraft {
    .spend(random.identifier(), account(number), Limits.amountMax)
  }

  /// Any item at all.
  mutating func draft(_ number: Int, onOtherAccounts: Bool = true) -> ItemDraft {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<8: return repetition(number) ?? valid(.purchase, number)
    case 8..<16: return contradiction(number) ?? valid(.bonus, number)
    case 16..<18:
      guard onOtherAccounts, var draft = repetition(number) else { return valid(.spend, number) }
      draft.item.account = account(anyAccount())
      return draft
    case 18..<24:
      let defect = defect(Defect.allCases.randomElement(using: &random)!, number)
      return onOtherAccounts || defect.item.account != 0 ? defect : valid(.spend, number)
    case 24..<60: return valid(.spend, number)
    case 60..<74: return valid(.purchase, number)
    case 74..<80: return valid(.bonus, number)
    case 80..<90: return valid(.refund, number)
    default: return valid(.settlement, number)
    }
  }
}
