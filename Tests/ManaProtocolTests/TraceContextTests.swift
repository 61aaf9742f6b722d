import ManaProtocol
import ManaTesting
import Testing

/// The trace of a request: as W3C writes it, and as an extension of a header.
@Suite struct TraceContextTests {
  private static let trace: UInt128 = 0x0AF7_6519_16CD_43DD_8448_EB21_1C80_319C
  private static let context = TraceContext(trace: trace, span: 0xB7AD_6B71_6920_3331, flags: 1)
  private static let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test func itIsReadAndWritten() throws {
    #expect(TraceContext(traceparent: Self.text) == Self.context)
    #expect(Self.context.traceText == "0af7651916cd43dd8448eb211c80319c" && Self.context.spanText == "b7ad6b7169203331")
    let small = try #require(TraceContext(traceparent: "00-00000000000000000000000000000001-000000000000000a-ff"))
    #expect(small == TraceContext(trace: 1, span: 10, flags: 255))
    #expect(small.traceText == String(repeating: "0", count: 31) + "1" && small.spanText == "000000000000000a")
    // Of a later version, what is known of it.
    #expect(TraceContext(traceparent: "cc" + Self.text.dropFirst(2) + "-what-follows") == Self.context)
  }

  @Test(arguments: [
    "", "00", "ff" + text.dropFirst(2), "0" + text.dropFirst(2), text + "-more", "00-0af7-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01", "0g" + text.dropFirst(2),
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
  ])
  func whatIsNone(text: String) { #expect(TraceContext(traceparent: text) == nil) }

  // MARK: Among the extensions of a header

  private static let stored = BodyKind.bytes(TraceContext.bytes) { context.store(to: $0) }
  /// An extension of a kind that nobody knows, of 8 or of 16 bytes.
  private static let other: [UInt8] = [9, 0, 4, 0, 1, 2, 3, 4]
  private static let longer: [UInt8] = [9, 0, 9, 0] + [UInt8](repeating: 5, count: 12)

  private static func change(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
    var changed = stored
    changed.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return changed
  }

  @Test(arguments: [stored, other + stored, longer + other + stored, stored + other, stored + change(16, [1])])
  func itIsFound(extensions: [UInt8]) {
    let guarded = GuardedBytes(extensions)
    #expect(TraceContext(in: guarded.bytes) == Self.context)
  }

  @Test(arguments: [
    [], other, longer, Array(stored.prefix(24)), Array(stored.prefix(7)), change(2, [27]), change(2, [255, 255]),
    change(8, [UInt8](repeating: 0, count: 8)), change(16, [UInt8](repeating: 0, count: 16)), change(0, [2]),
    [9, 0, 255, 0] + stored,
  ])
  func whereThereIsNone(extensions: [UInt8]) {
    let guarded = GuardedBytes(extensions)
    #expect(TraceContext(in: guarded.bytes) == nil)
    #expect(TraceContext(in: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
  }
}
