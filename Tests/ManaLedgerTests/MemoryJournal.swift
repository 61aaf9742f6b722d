import ManaLedger

/// A journal in memory: segments of 1 MiB that are made as they are needed; no blocks, no disk.
final class MemoryJournal {
  static let segmentShift = 20
  private static let segmentsMax = 4_096
  private let bases: UnsafeMutablePointer<UnsafeRawPointer?>
  private var segments: [UnsafeMutableRawPointer] = []
  private(set) var next: UInt64 = 2
  /// What each batch wrote: first position, bytes, records.
  private(set) var blocks: [(position: UInt64, bytes: Int, records: Int)] = []

  init() {
    bases = .allocate(capacity: Self.segmentsMax)
    bases.initialize(repeating: nil, count: Self.segmentsMax)
  }

  deinit {
    for segment in segments { segment.deallocate() }
    bases.deallocate()
  }

  var space: RecordSpace { RecordSpace(bases: UnsafePointer(bases), segmentShift: Self.segmentShift) }

  /// A writer with room for `bytes` within one segment.
  func writer(_ bytes: Int) -> RecordWriter {
    let segmentBytes = 1 << Self.segmentShift
    precondition(bytes <= segmentBytes, "a batch fits a segment")
    var address = Int(next) * 32
    if address >> Self.segmentShift < (address + bytes - 1) >> Self.segmentShift {
      address = ((address >> Self.segmentShift) + 1) << Self.segmentShift
    }
    while segments.count <= address >> Self.segmentShift {
      let segment = UnsafeMutableRawPointer.allocate(byteCount: segmentBytes, alignment: 4096)
      // What nobody wrote must not look like zeros that somebody wrote.
      segment.initializeMemory(as: UInt8.self, repeating: 0xA5, count: segmentBytes)
      bases[segments.count] = UnsafeRawPointer(segment)
      segments.append(segment)
    }
    let segment = segments[address >> Self.segmentShift]
    return RecordWriter(cursor: segment + address & (segmentBytes - 1), position: UInt64(address / 32))
  }

  func sealed(_ writer: RecordWriter) {
    let start = writer.position - UInt64(writer.bytes / 32)
    if writer.records > 0 { blocks.append((start, writer.bytes, writer.records)) }
    next = writer.position
  }

  func bytes(_ index: Int) -> UnsafeMutableRawBufferPointer {
    let block = blocks[index]
    let base = UnsafeMutableRawPointer(mutating: space.pointer(at: block.position))
    return UnsafeMutableRawBufferPointer(start: base, count: block.bytes)
  }
}
