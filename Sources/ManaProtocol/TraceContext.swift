// The extension of a request's header that says which trace the request belongs to, 32 bytes; offsets in bytes, integers
// little-endian:
//
//   0  u16   kind         1
//   2  u16   valueBytes   28
//   4  u8    traceFlags   bit 0 sampled
//   5  3 bytes reserved   zero
//   8  u64   span
//  16  u128  trace
//
// Extensions stand one behind the other between byte 32 of a frame and its body. What does not follow this is skipped
// like a kind that is not known: no request is refused for its trace.

/// Which trace a request belongs to, and which of its spans sent it: the identifiers of W3C Trace Context.
public struct TraceContext: Hashable, Sendable {
  /// Bytes of the extension.
  public static let bytes = 32
  private static let kind: UInt16 = 1
  private static let valueBytes: UInt16 = 28

  /// The trace's identifier, the number whose big-endian bytes are those of W3C's `trace-id`; not zero.
  public var trace: UInt128
  /// The identifier of the caller's span, likewise; not zero.
  public var span: UInt64
  /// W3C's `trace-flags`: bit 0 says that the caller may have recorded the trace.
  public var flags: UInt8

  public init(trace: UInt128, span: UInt64, flags: UInt8) {
    self.trace = trace
    self.span = span
    self.flags = flags
  }

  /// The trace context among the header's extensions; nil where there is none that follows the table above. Linear in
  /// the extensions, which a header holds at most 2,008 bytes of.
  public init?(in extensions: UnsafeRawBufferPointer) {
    guard var at = extensions.baseAddress else { return nil }
    var rest = extensions.count
    while rest >= 8 {
      let bytes = paddedToWords(4 + Int(at.u16(2)))
      guard bytes <= rest else { return nil }
      if at.u16(0) == Self.kind {
        guard at.u16(2) == Self.valueBytes, at.u128(16) != 0, at.u64(8) != 0 else { return nil }
        self.init(trace: at.u128(16), span: at.u64(8), flags: at.u8(4))
        return
      }
      at += bytes
      rest -= bytes
    }
    return nil
  }

  /// Writes the extension to the 32 bytes at `base`.
  public func store(to base: UnsafeMutableRawPointer) {
    base.store(u16: Self.kind, 0)
    base.store(u16: Self.valueBytes, 2)
    base.store(u8: flags, 4)
    base.zero(5, count: 3)
    base.store(u64: span, 8)
    base.store(u128: trace, 16)
  }
}

extension TraceContext {
  /// The trace's identifier as W3C writes it: 32 hexadecimal digits.
  public var traceText: String { Self.hexadecimal(trace, digits: 32) }
  /// The span's identifier as W3C writes it: 16 hexadecimal digits.
  public var spanText: String { Self.hexadecimal(span, digits: 16) }

  /// Reads W3C's `traceparent`, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`; nil when it is none.
  /// Of a version after 00, what version 00 defines is read.
  public init?(traceparent text: String) {
    let fields = text.split(separator: "-", omittingEmptySubsequences: false)
    guard fields.count >= 4, let version: UInt8 = Self.number(fields[0], digits: 2), version != 0xFF,
      version != 0 || fields.count == 4, let trace: UInt128 = Self.number(fields[1], digits: 32), trace != 0,
      let span: UInt64 = Self.number(fields[2], digits: 16), span != 0,
      let flags: UInt8 = Self.number(fields[3], digits: 2)
    else { return nil }
    self.init(trace: trace, span: span, flags: flags)
  }

  private static func hexadecimal(_ number: some FixedWidthInteger, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: digits - text.count) + text
  }

  /// Lower case only, as W3C has it.
  private static func number<Number: FixedWidthInteger>(_ text: Substring, digits: Int) -> Number? {
    guard text.utf8.count == digits else { return nil }
    var number: Number = 0
    for digit in text.utf8 {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | Number(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | Number(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return number
  }
}
