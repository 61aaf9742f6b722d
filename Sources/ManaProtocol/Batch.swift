// The body of a posting call: prelude (32 bytes), items (64 bytes each), text area, padding to 8.
//
//   0  u16  itemStride  64
//   2  u16  flags       bit 0 atomic, bit 1 fullResults
//   4  u32  itemCount   1...itemsMax
//   8  u32  textBytes   without padding
//  12  20 bytes reserved, zero
//
// Valid: the lengths add up to the body's, the padding is zero, textBytes is the sum of all the items' lengths.

/// Bits of a batch prelude.
public struct BatchFlags: OptionSet, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// All items or none.
  public static let atomic = BatchFlags(rawValue: 1)
  /// 40-byte results instead of 16.
  public static let fullResults = BatchFlags(rawValue: 2)
}

/// A posting request's body where it lies, after its layout has been checked. Valid as long as the bytes are.
public struct BatchView {
  /// Bytes of the prelude.
  public static let preludeBytes = 32

  public let flags: BatchFlags
  public let count: Int
  /// The first item; item *i* is 64 × *i* bytes further.
  public let items: UnsafeRawPointer
  /// The text area without its padding: reference and note of each item in turn.
  public let text: UnsafeRawBufferPointer

  /// Checks every length and offset of `body` before anything uses them.
  ///
  /// Throws request-level errors with the offset in `detail`. Linear in the number of items, no allocation.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.preludeBytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedBody, "a batch begins with 32 bytes, this body has \(body.count)")
    }
    guard base.u16(0) == Item.bytes else {
      throw ProtocolError(.malformedBody, "item stride \(base.u16(0)) instead of \(Item.bytes)")
    }
    guard base.u16(2) & ~3 == 0 else { throw ProtocolError(.reservedBits, "reserved batch flags are set", detail: 2) }
    guard base.isZero(12, count: 20) else {
      throw ProtocolError(.reservedBits, "reserved bytes of the batch prelude are set", detail: 12)
    }
    flags = BatchFlags(rawValue: base.u16(2))
    count = Int(base.u32(4))
    guard count > 0 else { throw ProtocolError(.emptyBatch, "a batch without items", detail: 4) }
    guard count <= Limits.itemsMax else {
      throw ProtocolError(.batchTooLarge, "\(count) items; the most is \(Limits.itemsMax)", detail: 4)
    }
    let textBytes = Int(base.u32(8))
    let unpadded = Self.preludeBytes + count * Item.bytes + textBytes
    guard body.count == paddedToWords(unpadded) else {
      throw ProtocolError(
        .malformedBody, "\(count) items and \(textBytes) bytes of text in \(body.count) bytes", detail: 8)
    }
    guard base.isZero(unpadded, count: body.count - unpadded) else {
      throw ProtocolError(.reservedBits, "the padding is not zero", detail: unpadded)
    }
    items = base + Self.preludeBytes
    text = UnsafeRawBufferPointer(start: items + count * Item.bytes, count: textBytes)
    var sum = 0
    for index in 0..<count { sum += ItemView(items + index * Item.bytes).textBytes }
    guard sum == textBytes else {
      throw ProtocolError(
        .malformedBody, "the items' texts take \(sum) bytes, the text area has \(textBytes)", detail: 8)
    }
  }

  /// Item *i*. Constant time; `index` must be below `count`.
  @inlinable @inline(__always)
  public subscript(index: Int) -> ItemView { ItemView(items + index * Item.bytes) }

  /// Writes a prelude to `base`.
  public static func storePrelude(to base: UnsafeMutableRawPointer, count: Int, textBytes: Int, flags: BatchFlags) {
    base.store(u16: UInt16(Item.bytes), 0)
    base.store(u16: flags.rawValue, 2)
    base.store(u32: UInt32(count), 4)
    base.store(u32: UInt32(textBytes), 8)
    base.zero(12, count: 20)
  }

  /// Length of the body of a batch in bytes, padding included.
  public static func bodyBytes(count: Int, textBytes: Int) -> Int {
    paddedToWords(preludeBytes + count * Item.bytes + textBytes)
  }
}
