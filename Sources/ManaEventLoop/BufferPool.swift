/// The free buffers of one loop, a list for each size class. Owned and used by the loop's thread alone.
struct BufferPool: ~Copyable {
  private var free: InlineArray<4, BufferPointer?> = .init(repeating: nil)
  private var kept: InlineArray<4, Int> = .init(repeating: 0)
  /// Buffers that were taken and not given back.
  private(set) var taken = 0
  /// Payload bytes that those have room for.
  private(set) var takenBytes = 0

  /// The smallest class that holds `bytes`; the number of classes when none does.
  static func sizeClass(for bytes: Int) -> Int {
    var index = 0
    while index < Limits.bufferBytes.count, Limits.bufferBytes[index] < bytes { index += 1 }
    return index
  }

  /// An empty buffer with room for at least `bytes`. O(1). A size above all classes gets a buffer of its own.
  mutating func take(_ bytes: Int) -> BufferPointer {
    taken += 1
    let index = Self.sizeClass(for: bytes)
    guard index < Limits.bufferBytes.count else {
      takenBytes += bytes
      return .allocate(capacity: bytes, sizeClass: UInt8(index))
    }
    takenBytes += Limits.bufferBytes[index]
    guard let buffer = free[index] else {
      return .allocate(capacity: Limits.bufferBytes[index], sizeClass: UInt8(index))
    }
    free[index] = buffer.pointee.next
    kept[index] -= 1
    buffer.pointee.next = nil
    return buffer
  }

  /// Takes a buffer back. O(1).
  mutating func give(_ buffer: BufferPointer) {
    taken -= 1
    takenBytes -= buffer.pointee.capacity
    precondition(taken >= 0 && takenBytes >= 0, "a buffer was given back twice")
    let index = Int(buffer.pointee.sizeClass)
    guard index < Limits.bufferBytes.count, kept[index] < Limits.buffersKept[index] else { return buffer.free() }
    buffer.pointee.start = 0
    buffer.pointee.end = 0
    buffer.pointee.next = free[index]
    free[index] = buffer
    kept[index] += 1
  }

  /// Takes back a chain of buffers. O(their number).
  mutating func give(chain: BufferPointer?) {
    var cursor = chain
    while let buffer = cursor {
      cursor = buffer.pointee.next
      give(buffer)
    }
  }

  func checkInvariants() {
    for index in 0..<Limits.bufferBytes.count {
      var length = 0
      var cursor = free[index]
      while let buffer = cursor {
        precondition(buffer.pointee.capacity == Limits.bufferBytes[index] && buffer.pointee.sizeClass == index)
        precondition(buffer.pointee.start == 0 && buffer.pointee.end == 0)
        length += 1
        cursor = buffer.pointee.next
      }
      precondition(length == kept[index] && length <= Limits.buffersKept[index])
    }
  }

  deinit {
    precondition(taken == 0, "\(taken) buffers were never given back")
    for index in 0..<Limits.bufferBytes.count {
      var cursor = free[index]
      while let buffer = cursor {
        cursor = buffer.pointee.next
        buffer.free()
      }
    }
  }
}
