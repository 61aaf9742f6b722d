import SystemPackage

/// Reading a journal behind a checkpoint.
extension JournalReader {
  /// Nothing was read yet: blocks up to the checkpoint's are compared with their hashes and the chain's, and not executed.
  /// Of the segments before `segment` it is known where their blocks stand; they are not read.
  mutating func begin(behind checkpoint: RestoredCheckpoint, atSegment segment: UInt32) {
    precondition(segment <= checkpoint.head.resume.segment, "the checkpoint's block itself is read")
    self.checkpoint = checkpoint
    segmentCount = Int(segment)
    statistics.records = checkpoint.head.records
    let before = checkpoint.marks[..<Int(segment)]
    archive?.begin(with: Array(before))
    guard let last = before.last else { return }
    chain.resume = BlockPlace(segment: segment, offset: 0)
    chain.lastNumber = last.lastNumber
    isAnchored = false
  }

  /// Checks that segments that are not to be read are there, and have their length.
  func checkUnread(_ numbers: [UInt32], of checkpoint: RestoredCheckpoint) throws(JournalError) {
    for index in 0..<segmentCount {
      guard index < numbers.count, Int(numbers[index]) == index else {
        throw damage(
          BlockPlace(segment: UInt32(index), offset: 0),
          "the file is missing, and the checkpoint \(checkpoint.file) was made of block \(checkpoint.head.number)")
      }
      let path = Segment.path(shard: journal.shard, segment: numbers[index])
      let size = try JournalError.naming("measure", storage.describe(path)) { () throws(Errno) in
        try storage.open(path).size()
      }
      guard size == journal.segmentBytes else { throw wrongSize(size, of: numbers[index]) }
    }
  }

  /// To be called when every segment was followed: the checkpoint's block must have been there.
  func checkReachedCheckpoint() throws(JournalError) {
    guard let checkpoint, chain.lastNumber < checkpoint.head.number else { return }
    let reason = badBlock?.reason ?? "nothing is there"
    throw damage(
      chain.resume, "\(reason), and the checkpoint \(checkpoint.file) was made of block \(checkpoint.head.number)")
  }

  /// The first block that is read names the one before it, which is not.
  mutating func anchor(to bytes: UnsafeRawBufferPointer) {
    isAnchored = true
    // Without a header there the chain finds that nothing is, which the checkpoint contradicts.
    guard let base = bytes.baseAddress, let header = BlockHeader(at: base) else { return }
    chain.lastHash = header.previousHash
    chain.lastEpoch = header.epoch
    chain.lastTerm = header.term
  }

  /// The digest of the state after a block: executes it, unless the checkpoint's state has it already.
  func execute(
    _ header: BlockHeader, at base: UnsafeRawPointer, among table: SegmentTable, _ replay: Replay
  ) throws(JournalError) -> UInt64 {
    guard let checkpoint, header.number <= checkpoint.head.number else {
      return try replay(RecoveredBlock(header, at: base, among: table))
    }
    onCompared(Int(header.recordCount))
    guard header.number == checkpoint.head.number else { return header.digest }
    let end = BlockPlace(segment: header.segment, offset: Int(header.offset) + header.paddedLength)
    guard BlockHeader.hash(at: base + Int(header.offset)) == checkpoint.head.blockHash,
      end == checkpoint.head.resume, header.endPosition == checkpoint.head.endPosition
    else {
      throw damage(
        BlockPlace(segment: header.segment, offset: Int(header.offset)),
        "another block \(header.number) stands there than the one that the checkpoint \(checkpoint.file) was made of")
    }
    return checkpoint.head.digest
  }
}
