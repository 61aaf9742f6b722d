import CLibuv
import Testing

@testable import ManaEventLoop

extension EventLoop {
  func checkInvariants() { state.checkInvariants() }

  /// Buffers in use by connections.
  var buffersTaken: Int { state.pointee.pool.taken }
}

@Suite("Limits")
struct LimitsTests {
  @Test("buffer classes ascend, and the largest holds the largest input")
  func bufferClasses() {
    for index in 1..<Limits.bufferBytes.count {
      #expect(Limits.bufferBytes[index - 1] < Limits.bufferBytes[index])
    }
    #expect(Limits.inputBytesMax == Limits.bufferBytes[Limits.bufferBytes.count - 1])
    #expect(Limits.inputRoomBytesMin < Limits.bufferBytes[0])
  }

  @Test("a buffer's head fits before its payload, and the request is at its beginning")
  func bufferHeader() {
    #expect(MemoryLayout<Buffer>.size <= Limits.bufferHeaderBytes)
    #expect(MemoryLayout<Buffer>.offset(of: \.request) == 0)
    #expect(MemoryLayout<Buffer>.offset(of: \.next) == 192)
    #expect(MemoryLayout<Buffer>.offset(of: \.sizeClass) == 224)
  }

  @Test("closing takes longer than the sweep that ends it")
  func deadlines() {
    #expect(Limits.sweepIntervalMilliseconds < Limits.flushTimeoutMilliseconds)
  }
}

@Suite("Buffer pool")
struct BufferPoolTests {
  @Test(
    "a buffer is the smallest that suffices",
    arguments: [
      (0, 4096), (1, 4096), (4096, 4096), (4097, 65_536), (65_536, 65_536), (262_144, 262_144),
      (1_048_576, 1_114_112), (1_114_112, 1_114_112), (1_114_113, 1_114_113),
    ] as [(Int, Int)])
  func sizes(asked: Int, given: Int) {
    var pool = BufferPool()
    let buffer = pool.take(asked)
    #expect(buffer.pointee.capacity == given)
    pool.give(buffer)
    pool.checkInvariants()
  }

  @Test("random taking and giving keeps the pool whole and bounded", arguments: 1...5 as ClosedRange<UInt64>)
  func random(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var pool = BufferPool()
    var held: [BufferPointer] = []
    for _ in 0..<3000 {
      if held.isEmpty || Int.random(in: 0..<100, using: &generator) < 52 {
        let buffer = pool.take(Int.random(in: 0...(8 << 10), using: &generator))
        #expect(buffer.count == 0, "seed \(seed)")
        buffer.pointee.end = 7
        buffer.pointee.start = 3
        held.append(buffer)
      } else {
        pool.give(held.remove(at: Int.random(in: 0..<held.count, using: &generator)))
      }
      #expect(pool.taken == held.count, "seed \(seed)")
    }
    for buffer in held { pool.give(buffer) }
    pool.checkInvariants()
    #expect(pool.taken == 0, "seed \(seed)")
  }

  @Test("compacting and appending keep the bytes")
  func compact() {
    var pool = BufferPool()
    let source = pool.take(100)
    let bytes = pattern(100)
    source.payload.copyMemory(from: bytes, byteCount: 100)
    source.pointee.end = 100
    source.pointee.start = 40
    source.compact()
    #expect(Array(source.bytes) == Array(bytes[40...]))
    let target = pool.take(5000)
    target.append(source)
    target.append(source)
    #expect(Array(target.bytes) == Array(bytes[40...] + bytes[40...]))
    pool.give(source)
    pool.give(target)
  }
}

extension Connection {
  /// Capacity of the buffer that holds the unread bytes; 0 without one.
  var inputBufferBytes: Int { state.pointee.input?.pointee.capacity ?? 0 }
}

/// Bytes of memory that an idle TCP connection takes in this module.
var idleConnectionBytes: Int {
  // An object is its header of 16 bytes and its fields: id, user data, state, peer.
  let object = 16 + 3 * 8 + MemoryLayout<Peer>.stride
  return object + MemoryLayout<ConnectionState>.size + uv_handle_size(UV_TCP)
}
