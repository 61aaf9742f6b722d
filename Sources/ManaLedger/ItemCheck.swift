import ManaProtocol

/// The part of the status ladder that needs nothing but the item: statuses 1 to 14 of `Protocol/PROTOCOL.md` section 9,
/// in the table's order.
enum ItemCheck {
  /// Why the item is refused, or `.ok`. `requiredType` is the type of the call, 0 for a mixed batch; `text` is the
  /// item's reference, followed by its note.
  @inline(__always)
  static func refusal(of item: ItemView, requiredType: UInt8, text: UnsafeRawPointer) -> Status {
    let type = item.type
    guard type >= RecordType.spend && type <= RecordType.settlement else { return .unknownType }
    guard requiredType == 0 || type == requiredType else { return .typeMismatch }
    let operation = item.operation
    guard operation <= 8 && (operation != 0 || type == RecordType.settlement) else { return .unknownOperation }
    guard operations(of: type) & 1 &<< UInt32(operation) != 0 else { return .operationMismatch }
    let flags = item.flags.rawValue
    guard flags & ~allowedFlags(of: type) == 0 else { return .reservedFlag }
    guard item.id != 0 else { return .idMissing }
    guard item.account != 0 else { return .accountMissing }
    let related = item.related
    if type == RecordType.refund || type == RecordType.settlement {
      guard related != 0 else { return .relatedMissing }
    } else if flags & ItemFlags.unsettled.rawValue == 0 {
      guard related == 0 else { return .relatedNotAllowed }
    } else {
      let timeouts = UInt128(Limits.settlementMillisecondsMin)...UInt128(Limits.settlementMillisecondsMax)
      guard timeouts.contains(related) else { return .settlementTimeoutOutOfRange }
    }
    let amount = item.amount
    if flags & ItemFlags.remaining.rawValue == 0 {
      guard amount != 0 || type == RecordType.settlement else { return .amountZero }
    } else {
      guard amount == 0 else { return .amountNotAllowed }
    }
    guard amount <= UInt64(Int64.max) else { return .amountTooLarge }
    guard item.textBytes == 0 || isText(item, text) else { return .textInvalid }
    return .ok
  }

  /// Whether an item is what most are: a spend without flags and texts that `refusal` has nothing against. One that is
  /// not may still be in order. Constant time, a third of the ladder's.
  @inline(__always)
  static func isPlainSpend(_ item: ItemView, requiredType: UInt8) -> Bool {
    // Type and flags, operation, reference and note lengths, in the order of the bytes.
    let shape = item.base.u32(60)
    let hasShape = shape & 0xFFFF_00FF == UInt32(RecordType.spend) && (shape &>> 8) &- 1 < 5
    let isOfCall = requiredType == 0 || requiredType == RecordType.spend
    let hasIDs = item.base.u64(0) | item.base.u64(8) != 0 && item.base.u64(16) | item.base.u64(24) != 0
    let hasNoRelated = item.base.u64(32) | item.base.u64(40) == 0
    return hasShape && isOfCall && hasIDs && hasNoRelated && item.amount &- 1 < UInt64(Int64.max)
  }

  /// Bit *o* is set when operation *o* belongs to the type.
  @inline(__always)
  static func operations(of type: UInt8) -> UInt32 {
    switch type {
    case RecordType.spend: 0b0_0011_1110
    case RecordType.purchase: 0b0_0100_0000
    case RecordType.refund: 0b0_1000_0000
    case RecordType.bonus: 0b1_0000_0000
    default: 0b0_0000_0001
    }
  }

  @inline(__always)
  static func allowedFlags(of type: UInt8) -> UInt8 {
    switch type {
    case RecordType.spend: ItemFlags.unsettled.rawValue
    case RecordType.refund: ItemFlags.remaining.rawValue | ItemFlags.voidIfUnknown.rawValue
    case RecordType.settlement: ItemFlags.remaining.rawValue
    default: 0
    }
  }

  @inline(never)
  static func isText(_ item: ItemView, _ text: UnsafeRawPointer) -> Bool {
    TextCheck.isValid(text, count: item.referenceBytes)
      && TextCheck.isValid(text + item.referenceBytes, count: item.noteBytes)
  }
}
