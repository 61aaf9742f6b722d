import NIOCore
import Testing

@testable import ManaClient

@Suite("Buffers of large replies") struct ReplyBufferTests {
  static let bytes = ClientLimits.keptBufferBytesMin

  static func address(_ buffer: ByteBuffer) -> Int {
    buffer.withVeryUnsafeBytes { Int(bitPattern: $0.baseAddress) }
  }

  @Test("A buffer is used again once nobody holds it, and not before")
  func reuse() {
    var buffers = ReplyBuffers()
    var first = buffers.take(bytes: Self.bytes)
    let place = Self.address(first)
    first.writeRepeatingByte(7, count: Self.bytes)
    var held: ByteBuffer? = first.getSlice(at: 0, length: 8)
    buffers.keep(first)
    first = ByteBuffer()

    var second = buffers.take(bytes: Self.bytes)
    second.writeRepeatingByte(9, count: Self.bytes)
    #expect(Self.address(second) != place && held?.getBytes(at: 0, length: 8) == [7, 7, 7, 7, 7, 7, 7, 7])

    held = nil
    let third = buffers.take(bytes: Self.bytes)
    #expect(Self.address(third) == place && third.readableBytes == 0)
  }

  @Test("Small buffers are not kept, and no more than so many large ones")
  func bounds() {
    var buffers = ReplyBuffers()
    buffers.keep(buffers.take(bytes: 64))
    #expect(buffers.count == 0)
    for _ in 0..<ClientLimits.keptBuffersMax + 3 { buffers.keep(ByteBuffer(repeating: 0, count: Self.bytes)) }
    #expect(buffers.count == ClientLimits.keptBuffersMax)
  }
}
