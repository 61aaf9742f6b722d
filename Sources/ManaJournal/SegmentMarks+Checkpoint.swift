// The marks of a checkpoint: how many segments, 8 bytes; for each of them the number of its first block, 8 bytes, of its
// blocks, 4, where the last one ends, 4, and for each block where it begins and its header's checksum, 4 bytes each.

extension SegmentMarks {
  static func write(_ segments: [SegmentMarks], to writer: CheckpointWriter) throws(JournalError) {
    try writer.append(number: UInt64(segments.count))
    for segment in segments {
      try writer.append(number: segment.firstNumber)
      try writer.append(number: UInt64(segment.marks.count) | UInt64(segment.end) << 32)
      for mark in segment.marks { try writer.append(number: UInt64(mark.start) | UInt64(mark.checksum) << 32) }
    }
  }

  /// The marks of each segment up to the checkpoint's block.
  static func read(from source: CheckpointSource) throws(CheckpointFault) -> [SegmentMarks] {
    let head = source.head
    guard try source.number() == UInt64(head.resume.segment) + 1 else { throw wrong }
    var segments: [SegmentMarks] = []
    var next: UInt64 = 1
    for number in 0...head.resume.segment {
      let segment = try read(from: source, firstNumber: next, segmentBytes: head.journal.segmentBytes)
      next += UInt64(segment.marks.count)
      if number == head.resume.segment, segment.end != head.resume.offset || next != head.number + 1 { throw wrong }
      segments.append(segment)
    }
    return segments
  }

  private static func read(
    from source: CheckpointSource, firstNumber: UInt64, segmentBytes: Int
  ) throws(CheckpointFault) -> SegmentMarks {
    guard try source.number() == firstNumber else { throw wrong }
    let counts = try source.number()
    let (count, end) = (Int(counts & 0xFFFF_FFFF), Int(counts >> 32))
    guard (1...segmentBytes / JournalLimits.blockAlignment).contains(count), end <= segmentBytes else { throw wrong }
    var marks: [BlockMark] = []
    marks.reserveCapacity(count)
    for index in 0..<count {
      let word = try source.number()
      let start = Int(word & 0xFFFF_FFFF)
      let isBehind = index == 0 ? start == 0 : start > Int(marks[index - 1].start)
      guard isBehind, start < end, start % JournalLimits.blockAlignment == 0 else { throw wrong }
      marks.append(BlockMark(start: UInt32(start), checksum: UInt32(word >> 32)))
    }
    guard end % JournalLimits.blockAlignment == 0 else { throw wrong }
    return SegmentMarks(firstNumber: firstNumber, marks: marks, end: end)
  }

  private static var wrong: CheckpointFault { CheckpointFault("its marks are not those of a journal") }

  /// The marks of a segment that is in memory, from the block `firstNumber` to `lastNumber` at most.
  init(of segment: Segment, firstNumber: UInt64, lastNumber: UInt64) {
    self.init()
    while end < segment.bytes.count, firstNumber + UInt64(marks.count) <= lastNumber {
      let header = UnsafeRawPointer(segment.base + end)
      // What lies behind the last block may be anything, an old block of the same memory among it.
      guard let block = BlockHeader(at: header), block.segment == segment.number,
        block.number == firstNumber + UInt64(marks.count), Int(block.offset) == end
      else { return }
      add(
        BlockMark(start: block.offset, checksum: BlockHeader.checksumField(of: header)), number: block.number,
        paddedLength: block.paddedLength)
    }
  }
}

extension CheckpointWriter {
  func append(number: UInt64) throws(JournalError) {
    let result = withUnsafeBytes(of: number.littleEndian) { bytes -> Result<Void, JournalError> in
      do throws(JournalError) { return .success(try append(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}

extension CheckpointSource {
  func number() throws(CheckpointFault) -> UInt64 {
    var little: UInt64 = 0
    let result = withUnsafeMutableBytes(of: &little) { buffer -> Result<Void, CheckpointFault> in
      do throws(CheckpointFault) { return .success(try read(into: buffer)) } catch { return .failure(error) }
    }
    try result.get()
    return UInt64(littleEndian: little)
  }
}
