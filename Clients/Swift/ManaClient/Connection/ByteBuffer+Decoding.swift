internal import ManaProtocol
internal import NIOCore

extension ByteBuffer {
  /// What `read` makes of the readable bytes, with its typed error: NIO's own accessor erases it.
  func decoded<Value>(
    _ read: (UnsafeRawBufferPointer) throws(ProtocolError) -> Value
  ) throws(ProtocolError) -> Value {
    let result = withUnsafeReadableBytes { bytes -> Result<Value, ProtocolError> in
      do throws(ProtocolError) { return .success(try read(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// A buffer of `bytes` bytes, a multiple of 8, that `store` fills through a pointer to zeros.
  static func encoded(_ bytes: Int, _ store: (UnsafeMutableRawPointer) -> Void) -> ByteBuffer {
    var buffer = ByteBuffer(repeating: 0, count: paddedToWords(bytes))
    buffer.withUnsafeMutableReadableBytes { if let base = $0.baseAddress { store(base) } }
    return buffer
  }
}
