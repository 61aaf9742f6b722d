// A segment is a file of exactly `segmentBytes` bytes and a buffer in memory with the same bytes.
//
//   shard-SSS/NNNNNNNNNN.segment             SSS: shard, three decimal digits; NNNNNNNNNN: segment, ten, from 0
//   shard-SSS/NNNNNNNNNN.segment.temporary   one in the making; a crash leaves it behind, the next start removes it
//
//   0 ..< end of last block    blocks, each beginning at a multiple of 512, none reaching into the next segment
//   the rest                   zeros

import SystemPackage

/// Page-aligned zeroed memory, touched ahead and backed by huge pages where they are to be had.
package struct SegmentMemory: ~Copyable {
  let base: UnsafeMutableRawPointer
  let bytes: Int

  init(bytes: Int) throws(JournalError) {
    self.bytes = bytes
    base = try JournalError.naming("have \(bytes) bytes of", "memory") { () throws(Errno) in
      try System.map(bytes: bytes, alignment: JournalLimits.hugePageBytes, populated: true)
    }
  }

  /// Takes over what was mapped.
  init(owning base: UnsafeMutableRawPointer, bytes: Int) {
    self.base = base
    self.bytes = bytes
  }

  deinit { System.unmap(base, bytes: bytes) }
}

/// One segment, resident.
final class Segment: @unchecked Sendable {
  // Unchecked: the loop's thread writes behind the end of the open block, the writer's thread touches only the
  // headers and the padding of blocks that were handed to it, and records never change again.
  private let memory: SegmentMemory
  let number: UInt32
  let file: any StorageFile
  /// Relative to the data directory.
  let path: String

  init(number: UInt32, path: String, file: any StorageFile, memory: consuming SegmentMemory) {
    self.number = number
    self.path = path
    self.file = file
    self.memory = memory
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
