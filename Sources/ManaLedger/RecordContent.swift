public import ManaProtocol

/// A record of the journal as a value, for tools that show what is in it. Nothing is checked against any state.
public struct RecordContent: Equatable, Sendable {
  /// What kind of record it is: of a history, or beside it. See RecordLayout.swift.
  public enum Kind: String, Sendable {
    case spend, purchase, refund, bonus, settlement, tombstone
  }

  /// Who posted a refund that no caller asked for by name.
  public enum Origin: String, Sendable {
    case settlement, timeout
  }

  public let position: UInt64
  /// Nil for a type that no record has.
  public let kind: Kind?
  public let origin: Origin?
  /// As it came, but with the amount resolved.
  public let item: Item
  /// The account's, in micromana.
  public let balanceAfter: Int64
  /// Nanoseconds since 1970 UTC.
  public let timestamp: UInt64
  /// Position of the account's transaction before; 0 for none.
  public let previous: UInt64
  /// Position of an older one; 0 for none.
  public let jump: UInt64
  /// Within the account; 0 beside its history.
  public let sequence: UInt32
  public let reference: String
  public let note: String

  init(_ record: RecordView, position: UInt64) {
    self.position = position
    item = Item(reading: record.base)
    balanceAfter = record.balanceAfter
    timestamp = record.timestamp
    previous = record.previous
    jump = record.jump
    sequence = record.sequence
    let texts = UnsafeRawBufferPointer(start: record.text, count: record.item.textBytes)
    reference = String(decoding: texts.prefix(record.item.referenceBytes), as: UTF8.self)
    note = String(decoding: texts.dropFirst(record.item.referenceBytes), as: UTF8.self)
    kind = Self.kind(of: record.item.type)
    let marks = record.item.type == RecordType.refund ? record.typeByte : 0
    origin =
      marks & RecordType.byTimeout != 0 ? .timeout : marks & RecordType.bySettlement != 0 ? .settlement : nil
  }

  private static func kind(of type: UInt8) -> Kind? {
    switch type {
    case RecordType.spend: .spend
    case RecordType.purchase: .purchase
    case RecordType.refund: .refund
    case RecordType.bonus: .bonus
    case RecordType.settlement: .settlement
    case RecordType.tombstone: .tombstone
    default: nil
    }
  }

  /// Shows each record of a block's body, and stops at one that does not fit it. The result says whether the body was
  /// used up by `count` records. Linear.
  @discardableResult
  public static func forEach(
    in body: UnsafeRawBufferPointer, firstPosition: UInt64, count: Int, _ visit: (RecordContent) -> Void
  ) -> Bool {
    var offset = 0
    for _ in 0..<count {
      guard let base = body.baseAddress, offset + RecordLayout.bytes <= body.count else { return false }
      let record = RecordView(base + offset)
      guard offset + record.size <= body.count else { return false }
      visit(RecordContent(record, position: firstPosition + UInt64(offset / RecordLayout.unit)))
      offset += record.size
    }
    return offset == body.count
  }
}
