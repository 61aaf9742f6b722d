// What becomes the body of one posting request: prelude (32 bytes) and items (64 bytes each) in one buffer, their texts
// in another, because it is not known where the text area starts until the last item is in. See Batch.swift of
// ManaProtocol for the offsets.

internal import ManaProtocol
internal import NIOCore

/// Items that fit one request.
struct BatchChunk: Sendable {
  /// Prelude and items.
  private(set) var items: ByteBuffer
  /// References and notes, item after item.
  private(set) var text = ByteBuffer()
  private(set) var count = 0

  init(capacity: Int) {
    items = ByteBuffer()
    items.reserveCapacity(BatchView.preludeBytes + capacity * Item.bytes)
    writePrelude()
  }

  private mutating func writePrelude() {
    items.writeWithUnsafeMutableBytes(minimumWritableBytes: BatchView.preludeBytes) {
      BatchView.storePrelude(to: $0.baseAddress!, count: 0, textBytes: 0, flags: .fullResults)
      return BatchView.preludeBytes
    }
  }

  /// Takes out every item. Keeps the memory, unless somebody else still reads what lies there.
  mutating func removeAll() {
    items.clear(minimumCapacity: items.capacity)
    if text.readableBytes > 0 { text.clear(minimumCapacity: text.capacity) }
    count = 0
    writePrelude()
  }

  /// A request of one item.
  init(_ posting: Posting) {
    self.init(capacity: 1)
    append(posting)
  }

  /// Bytes of the frame that it becomes.
  var frameBytes: Int {
    FrameHeader.bytes + BatchView.bodyBytes(count: count, textBytes: text.readableBytes)
  }

  /// Whether one more item of `bytes` bytes, its text included, stays within a frame.
  @inline(__always)
  func hasRoom(for bytes: Int, itemsMax: Int, frameBytesMax: Int) -> Bool {
    // Seven bytes of padding at most.
    count < itemsMax && frameBytes + bytes + 7 <= frameBytesMax
  }

  /// Encodes an item in place. Amortized constant time.
  @inline(__always)
  mutating func append(_ posting: Posting) {
    append(posting.item)
    if posting.item.referenceBytes > 0 { text.writeString(posting.reference) }
    if posting.item.noteBytes > 0 { text.writeString(posting.note) }
  }

  @inline(__always)
  private mutating func append(_ item: Item) {
    if items.writableBytes < Item.bytes { items.reserveCapacity(minimumWritableBytes: Item.bytes) }
    count += 1
    // One access for the item and the count in the prelude: each asks whether the buffer is shared.
    let (place, count) = (items.writerIndex, UInt32(count))
    items.withVeryUnsafeMutableBytes {
      let base = $0.baseAddress!
      item.store(to: base + place)
      base.store(u32: count, 4)
    }
    items.moveWriterIndex(forwardBy: Item.bytes)
  }

  /// Item `index`. Constant time.
  func item(at index: Int) -> Item {
    items.withUnsafeReadableBytes { Item(reading: $0.baseAddress! + BatchView.preludeBytes + index * Item.bytes) }
  }

  /// The body of the request: the items where they lie, copied only to put texts behind them or to mark them atomic,
  /// so that the batch can be posted again.
  func body(atomic: Bool) -> ByteBuffer {
    if !atomic && text.readableBytes == 0 { return items }
    var body = items
    let padded = BatchView.bodyBytes(count: count, textBytes: text.readableBytes)
    body.reserveCapacity(padded)
    body.writeImmutableBuffer(text)
    body.writeRepeatingByte(0, count: padded - body.readableBytes)
    body.withUnsafeMutableReadableBytes {
      BatchView.storePrelude(
        to: $0.baseAddress!, count: count, textBytes: text.readableBytes,
        flags: atomic ? [.fullResults, .atomic] : .fullResults)
    }
    return body
  }

  /// The same items in chunks of at most `itemsMax` items and `frameBytesMax` bytes. Linear, copies.
  func split(itemsMax: Int, frameBytesMax: Int) -> [BatchChunk] {
    guard count > itemsMax || frameBytes > frameBytesMax else { return [self] }
    var chunks: [BatchChunk] = []
    var chunk = BatchChunk(capacity: min(count, itemsMax))
    var texts = text
    for index in 0..<count {
      let item = item(at: index)
      let textBytes = Int(item.referenceBytes) + Int(item.noteBytes)
      if !chunk.hasRoom(for: Item.bytes + textBytes, itemsMax: itemsMax, frameBytesMax: frameBytesMax) {
        chunks.append(chunk)
        chunk = BatchChunk(capacity: min(count - index, itemsMax))
      }
      chunk.append(item)
      if var own = texts.readSlice(length: textBytes) { chunk.text.writeBuffer(&own) }
    }
    chunks.append(chunk)
    return chunks
  }
}
