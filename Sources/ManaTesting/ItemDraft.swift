public import ManaProtocol

/// An item together with its texts, as somebody wants to send it. Nothing in it needs to be valid.
public struct ItemDraft: Equatable, Sendable {
  /// The lengths of the texts in here do not count: those of `reference` and `note` are sent.
  public var item: Item
  /// At most 255 bytes, UTF-8 when valid.
  public var reference: [UInt8]
  /// At most 255 bytes, UTF-8 when valid.
  public var note: [UInt8]

  public init(_ item: Item, reference: [UInt8] = [], note: [UInt8] = []) {
    self.item = item
    self.reference = reference
    self.note = note
  }

  /// The item with the lengths of the texts that are sent with it.
  public var itemWithLengths: Item {
    var item = item
    item.referenceBytes = UInt8(reference.count)
    item.noteBytes = UInt8(note.count)
    return item
  }
}

extension ItemDraft {
  /// A spend; with a `timeout` in milliseconds it is unsettled.
  public static func spend(
    _ id: UInt128, _ account: UInt128, _ amount: UInt64, operation: ManaProtocol.Operation = .imageGeneration,
    timeout: UInt64? = nil
  ) -> ItemDraft {
    ItemDraft(
      Item(
        id: id, account: account, related: UInt128(timeout ?? 0), amount: amount, type: .spend,
        flags: timeout == nil ? [] : .unsettled, operation: operation))
  }

  public static func purchase(_ id: UInt128, _ account: UInt128, _ amount: UInt64) -> ItemDraft {
    ItemDraft(Item(id: id, account: account, amount: amount, type: .purchase, operation: .purchase))
  }

  public static func bonus(_ id: UInt128, _ account: UInt128, _ amount: UInt64) -> ItemDraft {
    ItemDraft(Item(id: id, account: account, amount: amount, type: .bonus, operation: .bonus))
  }

  /// A refund of `amount`, or of everything that is left when `amount` is nil.
  public static func refund(
    _ id: UInt128, _ account: UInt128, of spend: UInt128, _ amount: UInt64?, voidIfUnknown: Bool = false
  ) -> ItemDraft {
    var flags: ItemFlags = amount == nil ? .remaining : []
    if voidIfUnknown { flags.insert(.voidIfUnknown) }
    return ItemDraft(
      Item(
        id: id, account: account, related: spend, amount: amount ?? 0, type: .refund, flags: flags, operation: .refund)
    )
  }

  /// A settlement with `used` micromana used, or with everything used when `used` is nil.
  public static func settlement(_ id: UInt128, _ account: UInt128, of spend: UInt128, used: UInt64?) -> ItemDraft {
    ItemDraft(
      Item(
        id: id, account: account, related: spend, amount: used ?? 0, type: .settlement,
        flags: used == nil ? .remaining : [], operation: nil))
  }
}
