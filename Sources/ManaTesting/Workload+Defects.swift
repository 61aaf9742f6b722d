import ManaProtocol

extension Workload {
  /// What can be wrong with an item whatever the account holds, and some things that look wrong and are not.
  enum Defect: CaseIterable {
    case typeZero, typeReserved, operationZero, operationReserved, operationOfAnother
    case flagReserved, flagOfAnother, idZero, accountZero, relatedZero, relatedOnPurchase, relatedOnSpend
    case timeoutZero, timeoutShort, timeoutLong, amountZero, amountWithRemaining, amountLarge, amountHuge
    case referenceInvalid, noteInvalid, noteCutInCharacter, several
  }

  mutating func defect(_ defect: Defect, _ number: Int) -> ItemDraft {
    var draft = valid(.spend, number)
    switch defect {
    case .typeZero: draft.item.type = 0
    case .typeReserved: draft.item.type = UInt8.random(in: 6...15, using: &random)
    case .operationZero: draft.item.operation = 0
    case .operationReserved: draft.item.operation = UInt8.random(in: 9...255, using: &random)
    case .operationOfAnother: draft.item.operation = UInt8.random(in: 6...8, using: &random)
    case .flagReserved: draft.item.flags.insert(ItemFlags(rawValue: 0x80))
    case .flagOfAnother: draft.item.flags.insert(random.chance(1, in: 2) ? .remaining : .voidIfUnknown)
    case .idZero: draft.item.id = 0
    case .accountZero: draft.item.account = 0
    case .relatedZero:
      draft = valid(random.chance(1, in: 2) ? .refund : .settlement, number)
      draft.item.related = 0
    case .relatedOnPurchase:
      draft = valid(random.chance(1, in: 2) ? .purchase : .bonus, number)
      draft.item.related = random.identifier()
    case .relatedOnSpend: draft = .spend(random.identifier(), account(number), 1, timeout: nil, related: 5_000)
    case .timeoutZero: draft = .spend(random.identifier(), account(number), 1, timeout: 0)
    case .timeoutShort: draft = .spend(random.identifier(), account(number), 1, timeout: 999)
    case .timeoutLong: draft = .spend(random.identifier(), account(number), 1, timeout: 2_592_000_001)
    case .amountZero: draft.item.amount = 0
    case .amountWithRemaining:
      draft = valid(random.chance(1, in: 2) ? .refund : .settlement, number)
      draft.item.flags.insert(.remaining)
      draft.item.amount = 1
    case .amountLarge: draft.item.amount = 1 << 63
    case .amountHuge: draft.item.amount = .max
    case .referenceInvalid: draft.reference = [0x61, 0xC0, 0x80]
    case .noteInvalid: draft.note = [0xED, 0xA0, 0x80]
    case .noteCutInCharacter: draft.note = [UInt8](repeating: UInt8(ascii: "x"), count: 253) + [0xE2, 0x82]
    case .several:
      draft.item.operation = UInt8.random(in: 0...10, using: &random)
      draft.item.amount = 0
      draft.item.id = UInt128(UInt8.random(in: 0...1, using: &random))
      draft.note = [0xFF]
    }
    return draft
  }

  /// Something that was sent to the account before, unchanged. Nil when nothing was.
  mutating func repetition(_ number: Int) -> ItemDraft? { memories[number].all.randomElement(using: &random) }

  /// Something that was sent to the account before, with another content. Nil when nothing was.
  mutating func contradiction(_ number: Int) -> ItemDraft? {
    guard var draft = repetition(number) else { return nil }
    switch ConflictField.allCases.randomElement(using: &random)! {
    case .type:
      let other = valid(TransactionType.allCases.randomElement(using: &random)!, number)
      draft.item.type = other.item.type
      draft.item.flags = other.item.flags
      draft.item.operation = other.item.operation
      draft.item.related = other.item.related
      draft.item.amount = other.item.amount
    case .operation where draft.item.type == TransactionType.spend.rawValue:
      draft.item.operation = spendOperation().rawValue
    case .amount where !draft.item.flags.contains(.remaining) && draft.item.amount < Limits.amountMax:
      draft.item.amount += 1
    case .quantity: draft.item.quantity &+= 1
    case .related where draft.item.flags.contains(.unsettled): draft.item.related = draft.item.related ^ 1 | 1_024
    case .related where draft.item.related != 0: draft.item.related ^= 1 << 70
    case .flags where draft.item.type == TransactionType.refund.rawValue:
      draft.item.flags.formSymmetricDifference(.voidIfUnknown)
    case .reference:
      draft.reference =
        draft.reference.isEmpty
        ? [UInt8(ascii: "r")] : [UInt8](repeating: UInt8(ascii: "r"), count: draft.reference.count)
    default: draft.note = draft.note.isEmpty ? [UInt8(ascii: "n")] : []
    }
    return draft
  }
}

extension ItemDraft {
  fileprivate static func spend(
    _ id: UInt128, _ account: UInt128, _ amount: UInt64, timeout: UInt64?, related: UInt128
  ) -> ItemDraft {
    var draft = spend(id, account, amount, timeout: timeout)
    draft.item.related = related
    return draft
  }
}
