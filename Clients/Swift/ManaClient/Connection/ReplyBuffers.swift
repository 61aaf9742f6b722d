internal import NIOCore

/// Memory for large replies, used again when nobody holds what lay in it.
///
/// A reply of a full batch is a third of a megabyte. Memory of that size goes back to the system as soon as it is free,
/// and to get it anew a page at a time took as long as reading the results.
struct ReplyBuffers {
  /// Given out before; those that nobody holds any more are found by asking.
  private var known: [ByteBuffer] = []

  /// Buffers that are remembered.
  var count: Int { known.count }

  /// An empty buffer that nobody else holds, with room for `bytes` bytes at least.
  mutating func take(bytes: Int) -> ByteBuffer {
    for index in known.indices where bytes >= ClientLimits.keptBufferBytesMin && known[index].capacity >= bytes {
      if known[index].modifyIfUniquelyOwned({ $0.clear() }) != nil { return known.remove(at: index) }
    }
    var buffer = ByteBuffer()
    buffer.reserveCapacity(bytes)
    return buffer
  }

  /// Remembers a buffer, in which readers may still hold what they have taken. Forgets the oldest when there are many.
  mutating func keep(_ buffer: ByteBuffer) {
    guard buffer.capacity >= ClientLimits.keptBufferBytesMin else { return }
    if known.count == ClientLimits.keptBuffersMax { known.removeFirst() }
    known.append(buffer)
  }
}
