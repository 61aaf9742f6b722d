// A batch in the layout of a posting call's body, after its prelude:
//
//   0           items      64 bytes each
//   64 × count  text area  reference and note of each item in turn
//
// With the prelude of 32 bytes before it and padding to 8 behind it, this is the whole body.

public import ManaProtocol

/// The items of one posting call, as somebody wants to send them.
public struct ItemBatch: Equatable, Sendable {
  public var drafts: [ItemDraft]
  /// The type of the call, nil for a mixed batch.
  public var itemType: TransactionType?
  /// All items or none.
  public var atomic: Bool
  /// Whether results of 40 bytes are asked for, not 16.
  public var fullResults: Bool

  public init(_ drafts: [ItemDraft], itemType: TransactionType? = nil, atomic: Bool = false, fullResults: Bool = true) {
    self.drafts = drafts
    self.itemType = itemType
    self.atomic = atomic
    self.fullResults = fullResults
  }

  /// Bytes of one result.
  public var resultStride: Int { fullResults ? ItemResult.fullBytes : ItemResult.compactBytes }
}

/// Encodes batches to the layout of the wire.
public struct BatchBuilder: Sendable {
  /// The items, 64 bytes each.
  public private(set) var items: [UInt8]
  /// The text area without padding.
  public private(set) var text: [UInt8]
  private let batch: ItemBatch

  public init(_ batch: ItemBatch) {
    self.batch = batch
    items = [UInt8](repeating: 0, count: batch.drafts.count * Item.bytes)
    text = []
    items.withUnsafeMutableBytes { buffer in
      for (index, draft) in batch.drafts.enumerated() {
        draft.itemWithLengths.store(to: buffer.baseAddress! + index * Item.bytes)
      }
    }
    for draft in batch.drafts {
      text += draft.reference
      text += draft.note
    }
  }

  /// The whole body of a posting request.
  public var body: [UInt8] {
    var prelude = [UInt8](repeating: 0, count: BatchView.preludeBytes)
    var flags: BatchFlags = []
    if batch.atomic { flags.insert(.atomic) }
    if batch.fullResults { flags.insert(.fullResults) }
    prelude.withUnsafeMutableBytes {
      BatchView.storePrelude(
        to: $0.baseAddress!, count: batch.drafts.count, textBytes: text.count, flags: flags)
    }
    let unpadded = prelude + items + text
    return unpadded + [UInt8](repeating: 0, count: paddedToWords(unpadded.count) - unpadded.count)
  }
}
