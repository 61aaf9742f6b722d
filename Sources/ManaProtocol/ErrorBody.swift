// The body of a goAway and of a reply that is a request error: u32 textBytes · u32 detail · text · padding

/// What an error frame says beyond its status.
public struct ErrorBody: Equatable, Sendable {
  /// Bytes before the text.
  public static let fixedBytes = 8
  /// Longest text that is sent, in bytes.
  public static let textBytesMax = 1_024

  /// The index of the item or the byte offset in the body that the error is about, or 0.
  public var detail: UInt32
  /// For people.
  public var text: String

  public init(detail: UInt32 = 0, text: String) {
    self.detail = detail
    self.text = text
  }

  /// What is said of an error.
  public init(_ error: ProtocolError) { self.init(detail: UInt32(clamping: error.detail), text: error.message) }

  /// The body as bytes. A text that is too long is cut at a character.
  public var encoded: [UInt8] {
    var cut = Substring(text)
    while cut.utf8.count > Self.textBytesMax { cut.removeLast() }
    let utf8 = [UInt8](cut.utf8)
    let total = paddedToWords(Self.fixedBytes + utf8.count)
    return [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
      let base = UnsafeMutableRawPointer(buffer.baseAddress!)
      base.store(u32: UInt32(utf8.count), 0)
      base.store(u32: detail, 4)
      UnsafeMutableRawBufferPointer(start: base + Self.fixedBytes, count: utf8.count).copyBytes(from: utf8)
      base.zero(Self.fixedBytes + utf8.count, count: total - Self.fixedBytes - utf8.count)
      count = total
    }
  }

  /// Throws `malformedBody` when lengths do not fit, `reservedBits`. Bytes that are not UTF-8 are replaced.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.fixedBytes, let base = body.baseAddress,
      body.count == paddedToWords(Self.fixedBytes + Int(base.u32(0)))
    else { throw ProtocolError(.malformedBody, "an error body of \(body.count) bytes") }
    let end = Self.fixedBytes + Int(base.u32(0))
    guard base.isZero(end, count: body.count - end) else {
      throw ProtocolError(.reservedBits, "the padding of an error body is not zero", detail: end)
    }
    detail = base.u32(4)
    text = String(
      decoding: UnsafeRawBufferPointer(start: base + Self.fixedBytes, count: Int(base.u32(0))), as: UTF8.self)
  }
}
