// A segment is a file of exactly `segmentBytes` bytes and a buffer in memory with the same bytes.
//
//   shard-SSS/NNNNNNNNNN.segment             SSS: shard, three decimal digits; NNNNNNNNNN: segment, ten, from 0
//   shard-SSS/NNNNNNNNNN.segment.temporary   one in the making; a crash leaves it behind, the next start removes it
//
//   0 ..< end of last block    blocks, each beginning at a multiple of 512, none reaching into the next segment
//   the rest                   zeros

import Synchronization
import SystemPackage

/// Page-aligned zeroed memory, touched ahead and backed by huge pages where they are to be had.
package struct SegmentMemory: ~Copyable {
  let base: UnsafeMutableRawPointer
  let bytes: Int

  /// All of it touched, or the first `populatedBytes`, at least one.
  init(bytes: Int, populatedBytes: Int? = nil) throws(JournalError) {
    self.bytes = bytes
    base = try JournalError.naming("have \(bytes) bytes of", "memory") { () throws(Errno) in
      try System.map(bytes: bytes, alignment: JournalLimits.hugePageBytes, populated: populatedBytes ?? bytes)
    }
  }

  /// Takes over what was mapped.
  init(owning base: UnsafeMutableRawPointer, bytes: Int) {
    self.base = base
    self.bytes = bytes
  }

  deinit { System.unmap(base, bytes: bytes) }
}

/// A segment's memory, which goes from one that leaves memory to one that comes.
final class SegmentBuffer: @unchecked Sendable {
  // Unchecked: one segment has it at a time.
  let memory: SegmentMemory

  init(_ memory: consuming SegmentMemory) { self.memory = memory }
}

/// One segment, resident.
final class Segment: @unchecked Sendable {
  // Unchecked: the loop's thread writes behind the end of the open block, the writer's thread touches only the
  // headers and the padding of blocks that were handed to it, and records never change again.
  let buffer: SegmentBuffer
  private var memory: SegmentMemory { _read { yield buffer.memory } }
  let number: UInt32
  let file: any StorageFile
  /// Relative to the data directory.
  let path: String
  private let populated: Atomic<Int>

  /// `populatedBytes` of the memory have been touched; all of it where not said otherwise. What its bytes are does not
  /// matter: those that are written to the disk are all stored before.
  init(number: UInt32, path: String, file: any StorageFile, buffer: SegmentBuffer, populatedBytes: Int? = nil) {
    self.number = number
    self.path = path
    self.file = file
    populated = Atomic(populatedBytes ?? buffer.memory.bytes)
    self.buffer = buffer
  }

  /// Of its memory, from the beginning: touched, so that writing there is not held up. Only grows; any thread.
  var populatedBytes: Int { populated.load(ordering: .relaxed) }

  /// Touches the next piece of its memory.
  func populateNext() throws(JournalError) {
    let start = populatedBytes
    let end = min(start + JournalLimits.hugePageBytes, memory.bytes)
    try JournalError.naming("have \(end - start) bytes of", "memory") { () throws(Errno) in
      try System.populate(memory.base + start, bytes: end - start)
    }
    populated.store(end, ordering: .relaxed)
  }

  var base: UnsafeMutableRawPointer { memory.base }
  var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory.base, count: memory.bytes) }

  /// Its bytes in the pieces in which they are read.
  var pieces: [Range<Int>] {
    stride(from: 0, to: memory.bytes, by: JournalLimits.readPieceBytes).map { offset in
      offset..<min(offset + JournalLimits.readPieceBytes, memory.bytes)
    }
  }

  static func path(shard: Int, segment: UInt32) -> String {
    "\(directory(shard: shard))/\(digits(UInt64(segment), width: 10))\(suffix)"
  }

  static func directory(shard: Int) -> String { "shard-\(digits(UInt64(shard), width: 3))" }

  static let suffix = ".segment"
  static let temporarySuffix = ".segment.temporary"

  /// The segment number in a file name; nil when it is not the name of a segment.
  static func number(in name: String) -> UInt32? {
    guard name.hasSuffix(suffix), let number = UInt32(name.dropLast(suffix.count)),
      name == digits(UInt64(number), width: 10) + suffix
    else { return nil }
    return number
  }

  private static func digits(_ value: UInt64, width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
