// A buffer is one allocation: bookkeeping first, then its payload.
//
//   offset  bytes     what
//        0    192     uv_write_t, in use while libuv writes the chain that begins with this buffer
//      192      8     next buffer of the chain, or of the pool's free list
//      200      8     capacity: payload bytes
//      208      8     start: payload offset of the first byte that is still wanted
//      216      8     end: payload offset after the last byte
//      224      1     size class, an index into Limits.bufferBytes, or their count for a buffer of its own size
//      256   capacity payload
//
// Valid at any time: 0 <= start <= end <= capacity.

import CLibuv

/// The head of a buffer of bytes. It carries the request that writes it, so that handing output to libuv allocates
/// nothing and whoever owns the request owns the bytes.
struct Buffer {
  var request: uv_write_t
  var next: UnsafeMutablePointer<Buffer>?
  let capacity: Int
  var start: Int
  var end: Int
  let sizeClass: UInt8
}

typealias BufferPointer = UnsafeMutablePointer<Buffer>

extension UnsafeMutablePointer<Buffer> {
  /// Allocates an empty buffer with uninitialized payload.
  static func allocate(capacity: Int, sizeClass: UInt8) -> BufferPointer {
    precondition(MemoryLayout<Buffer>.size <= Limits.bufferHeaderBytes)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: Limits.bufferHeaderBytes + capacity, alignment: 16)
    let buffer = memory.bindMemory(to: Buffer.self, capacity: 1)
    buffer.initialize(
      to: Buffer(request: uv_write_t(), next: nil, capacity: capacity, start: 0, end: 0, sizeClass: sizeClass))
    return buffer
  }

  func free() {
    deinitialize(count: 1)
    UnsafeMutableRawPointer(self).deallocate()
  }

  var payload: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + Limits.bufferHeaderBytes }

  /// The bytes that are still wanted.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: payload + pointee.start, count: count)
  }

  var count: Int { pointee.end - pointee.start }

  /// Free bytes behind the last one.
  var room: Int { pointee.capacity - pointee.end }

  /// Moves the wanted bytes to the front. O(their count).
  func compact() {
    let count = count
    payload.copyMemory(from: payload + pointee.start, byteCount: count)
    pointee.start = 0
    pointee.end = count
  }

  /// Appends the wanted bytes of another buffer. O(their count).
  func append(_ other: BufferPointer) {
    let count = other.count
    precondition(count <= room)
    (payload + pointee.end).copyMemory(from: other.payload + other.pointee.start, byteCount: count)
    pointee.end += count
  }
}
