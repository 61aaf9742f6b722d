import ManaProtocol

extension Workload {
  /// An item without a stateless defect. Whether it is accepted, the account decides.
  mutating func valid(_ type: TransactionType, _ number: Int) -> ItemDraft {
    var draft: ItemDraft
    switch type {
    case .spend: draft = spend(number)
    case .purchase: draft = .purchase(freshID(), account(number), amount(number, typical: 200_000_000))
    case .bonus: draft = .bonus(freshID(), account(number), amount(number, typical: 20_000_000))
    case .refund: draft = refund(number)
    case .settlement: draft = settlement(number)
    }
    draft.item.quantity = random.chance(1, in: 4) ? UInt32.random(in: 1...1_000, using: &random) : 0
    if type == .purchase || random.chance(1, in: 5) { draft.reference = text() }
    if random.chance(1, in: 5) { draft.note = text() }
    memories[number].remember(draft)
    return draft
  }

  private mutating func spend(_ number: Int) -> ItemDraft {
    var timeout: UInt64?
    switch Int.random(in: 0..<40, using: &random) {
    case 0: timeout = 2_592_000_000
    case 1: timeout = 1_000
    case 2..<10: timeout = UInt64.random(in: 1_000...20_000, using: &random)
    default: timeout = nil
    }
    var id = freshID()
    if !memories[number].late.isEmpty, random.chance(1, in: 4) { id = memories[number].late.removeFirst() }
    return .spend(
      id, account(number), amount(number, typical: 4_000_000), operation: spendOperation(),
      timeout: Self.isRich(number) ? nil : timeout)
  }

  mutating func spendOperation() -> ManaProtocol.Operation {
    [.imageGeneration, .detection, .variation, .combination, .export].randomElement(using: &random)!
  }

  /// A spend that waits for its settlement, something that ends one, or that again, also with the id of another.
  mutating func aboutSpends(_ number: Int) -> ItemDraft {
    switch Int.random(in: 0..<20, using: &random) {
    case 0, 1: return valid(.purchase, number)
    case 2..<6:
      let draft = ItemDraft.spend(
        freshID(), account(number), amount(number, typical: 4_000_000), operation: spendOperation(),
        timeout: UInt64.random(in: 1_000...60_000, using: &random))
      memories[number].remember(draft)
      return draft
    case 6..<10: return valid(.refund, number)
    case 10..<14: return valid(.settlement, number)
    case 14..<17: return repetition(number) ?? valid(.purchase, number)
    default: return ofAnotherKind(number) ?? valid(.purchase, number)
    }
  }

  /// A refund of everything with the id and the texts of a settlement, or the other way round. Nil when there was neither.
  private mutating func ofAnotherKind(_ number: Int) -> ItemDraft? {
    let ends = memories[number].all.filter { [.refund, .settlement].contains(TransactionType(rawValue: $0.item.type)) }
    guard let end = ends.randomElement(using: &random) else { return nil }
    let (id, account, spend) = (end.item.id, end.item.account, end.item.related)
    let amount = memories[number].spends.first { $0.item.id == spend }?.item.amount
    var other =
      end.item.type == TransactionType.refund.rawValue
      ? ItemDraft.settlement(id, account, of: spend, used: random.chance(3, in: 4) ? 0 : nil)
      : ItemDraft.refund(id, account, of: spend, random.chance(3, in: 4) ? amount : nil)
    other.item.quantity = end.item.quantity
    other.reference = end.reference
    other.note = end.note
    return other
  }

  private mutating func refund(_ number: Int) -> ItemDraft {
    let id = freshID()
    let account = account(number)
    let voidIfUnknown = random.chance(1, in: 5)
    switch Int.random(in: 0..<20, using: &random) {
    case 0:
      let unknown = random.identifier()
      if voidIfUnknown { memories[number].late.append(unknown) }
      return .refund(id, account, of: unknown, random.chance(1, in: 2) ? nil : 5, voidIfUnknown: voidIfUnknown)
    case 1:
      let foreign = memories[anyAccount()].spends.randomElement(using: &random)?.item.id ?? random.identifier()
      return .refund(id, account, of: foreign, 1, voidIfUnknown: voidIfUnknown)
    case 2:
      let any = memories[number].all.randomElement(using: &random)?.item.id ?? random.identifier()
      return .refund(id, account, of: any, nil, voidIfUnknown: voidIfUnknown)
    default: break
    }
    guard let spend = memories[number].spends.randomElement(using: &random)?.item else {
      return .refund(id, account, of: random.identifier(), 1)
    }
    let amount: UInt64?
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<3: amount = nil
    case 3..<8: amount = UInt64.random(in: 1...spend.amount, using: &random)
    case 8: amount = spend.amount
    default: amount = spend.amount < Limits.amountMax ? spend.amount + 1 : Limits.amountMax
    }
    return .refund(id, account, of: spend.id, amount, voidIfUnknown: voidIfUnknown)
  }

  private mutating func settlement(_ number: Int) -> ItemDraft {
    let memory = memories[number]
    let id = freshID()
    if let again = memory.settlements.randomElement(using: &random), random.chance(1, in: 6) {
      var draft = again
      draft.item.id = id
      return draft
    }
    let candidates = random.chance(1, in: 10) ? memory.all : memory.unsettled
    guard let spend = candidates.randomElement(using: &random)?.item, random.chance(19, in: 20) else {
      return .settlement(id, account(number), of: random.identifier(), used: nil)
    }
    let used: UInt64?
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<3: used = nil
    case 3..<5: used = 0
    case 5: used = spend.amount
    case 6: used = min(spend.amount, Limits.amountMax - 1) + 1
    default: used = UInt64.random(in: 0...min(spend.amount, Limits.amountMax), using: &random)
    }
    return .settlement(id, account(number), of: spend.id, used: used)
  }

  /// Half of the ids are small, so that different accounts use the same ones and id and amount can be mistaken for
  /// each other.
  private mutating func freshID() -> UInt128 {
    random.chance(1, in: 2) ? random.identifier() : UInt128(UInt64.random(in: 1...1 << 34, using: &random))
  }

  private mutating func amount(_ number: Int, typical: UInt64) -> UInt64 {
    guard Self.isRich(number) else {
      return random.chance(1, in: 20) ? 1 : UInt64.random(in: 1...typical, using: &random)
    }
    let limits: [UInt64] = [
      1, 1 << 62, 1 << 62, 1 << 62 - 1, 1 << 61, Limits.amountMax, Limits.amountMax - 1, Limits.amountMax / 2,
    ]
    return limits.randomElement(using: &random)!
  }

  /// A valid text: short ones from a small choice, so that filters find several; long and multi-byte ones.
  mutating func text() -> [UInt8] {
    switch Int.random(in: 0..<20, using: &random) {
    case 0: return []
    case 1: return [UInt8](repeating: UInt8(ascii: "x"), count: Limits.textBytesMax)
    case 2: return [UInt8](String(repeating: "€", count: 85).utf8)
    case 3: return [UInt8]("Größe 🟦 \u{0} ẞ".utf8)
    case 4: return [UInt8](String(repeating: "n", count: Int.random(in: 1...255, using: &random)).utf8)
    default: return [UInt8]("pi_\(Int.random(in: 0..<8, using: &random))".utf8)
    }
  }
}
