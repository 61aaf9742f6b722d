// Whether the bytes at a place are the block that should be there, and if not, whether that proves a loss.
//
// Block n+1 is written only when n is durable, and a header lies within one sector, which a torn write leaves either
// as it was (zeros) or as it should be. So, where block n is expected:
//
//   no header                      a torn write of n, or nothing yet; the bytes behind it must decide (`provesLoss`)
//   n's header, but another body   a torn write of n, likewise
//   a header of an earlier epoch   what an earlier start cut, come back; likewise
//   any other whole header         no torn write looks like this: damage

import SystemPackage

/// The end of the chain of blocks read so far: what the next one is compared with.
struct ChainEnd {
  let journal: JournalIdentity
  /// Where the next block should be, unless a new segment begins.
  var resume = BlockPlace(segment: 0, offset: 0)
  var lastNumber: UInt64 = 0
  var lastHash = Hash128()
  var lastEpoch: UInt32 = 0
  var lastTerm: UInt64 = 0

  var expectedNumber: UInt64 { lastNumber + 1 }

  enum Verdict {
    case valid(BlockHeader)
    /// Perhaps a torn write, of a block of `skip` bytes as far as its header is there.
    case torn(reason: String, skip: Int, epoch: UInt32)
    case damaged(reason: String)
    /// The whole header of a later block: the expected one was durable before that was written.
    case later(UInt64)
    case newerVersion(UInt32)

    var isValid: Bool {
      if case .valid = self { return true }
      return false
    }
  }

  /// Judges the bytes at `place` in the memory of their segment. O(length of the block).
  func judge(_ segment: UnsafeRawBufferPointer, at place: BlockPlace) -> Verdict {
    let start = segment.baseAddress! + place.offset
    guard let header = BlockHeader(at: start) else {
      return .torn(reason: "no block header there", skip: JournalLimits.blockAlignment, epoch: 0)
    }
    if header.formatVersion != BlockHeader.formatVersion { return .newerVersion(header.formatVersion) }
    if let reason = foreignness(of: header) { return .damaged(reason: reason) }
    if header.epoch < lastEpoch {
      return .torn(
        reason: "a block of the earlier epoch \(header.epoch) there", skip: JournalLimits.blockAlignment, epoch: 0)
    }
    if header.number > expectedNumber { return .later(header.number) }
    if let reason = misplacement(of: header, at: place) ?? fault(in: header) { return .damaged(reason: reason) }
    let body = UnsafeRawBufferPointer(
      rebasing: segment[
        place.offset + JournalLimits.blockHeaderBytes..<place.offset + header.paddedLength])
    guard Hash128(of: body) == header.bodyHash else {
      return .torn(reason: "the body does not have its hash", skip: header.paddedLength, epoch: header.epoch)
    }
    return .valid(header)
  }

  /// What is wrong at a place, where the next block is expected.
  func damage(at place: BlockPlace, _ reason: String, in storage: any Storage) -> JournalDamage {
    let path = Segment.path(shard: journal.shard, segment: place.segment)
    return JournalDamage(file: storage.describe(path), block: expectedNumber, byte: place.offset, reason: reason)
  }

  private func foreignness(of header: BlockHeader) -> String? {
    if header.ledgerID != journal.ledgerID { return "the block there belongs to another ledger" }
    if Int(header.shard) != journal.shard { return "the block there belongs to shard \(header.shard)" }
    if Int(header.shardCount) != journal.shardCount {
      return "the block there belongs to a ledger of \(header.shardCount) shards"
    }
    return nil
  }

  private func misplacement(of header: BlockHeader, at place: BlockPlace) -> String? {
    if header.number < expectedNumber { return "a copy of block \(header.number) stands there" }
    if header.segment != place.segment || Int(header.offset) != place.offset {
      return "the block stands there, but belongs at byte \(header.offset) of segment \(header.segment)"
    }
    let isNext = place.offset == 0 && place.segment == resume.segment + 1 && resume.offset > 0
    if place != resume && !isNext { return "the block stands there, a segment too late" }
    return nil
  }

  /// What no writer of this format makes.
  private func fault(in header: BlockHeader) -> String? {
    let length = Int(header.byteLength)
    let bodyLength = length - JournalLimits.blockHeaderBytes
    if header.previousHash != lastHash { return "the block there follows another block \(lastNumber) than this one" }
    if header.term < lastTerm { return "the term goes back from \(lastTerm) to \(header.term)" }
    if bodyLength < 0 || length > JournalLimits.blockBytesMax || length % JournalLimits.recordAlignment != 0
      || Int(header.offset) + header.paddedLength > journal.segmentBytes
    {
      return "no block is \(length) bytes long there"
    }
    if Int(header.recordCount) > bodyLength / JournalLimits.recordAlignment
      || (header.recordCount == 0) != (bodyLength == 0)
    {
      return "\(bodyLength) bytes are not \(header.recordCount) records"
    }
    let firstPosition = BlockHeader.firstPosition(
      segment: header.segment, offset: Int(header.offset), segmentBytes: journal.segmentBytes)
    if header.firstPosition != firstPosition { return "the first position is \(header.firstPosition)" }
    if header.durableNumber >= header.number { return "block \(header.durableNumber) is named durable" }
    if header.flags != 0 { return "unknown flags \(header.flags)" }
    return nil
  }

  mutating func accept(_ header: BlockHeader, hash: Hash128) {
    resume = BlockPlace(segment: header.segment, offset: Int(header.offset) + header.paddedLength)
    lastNumber = header.number
    lastHash = hash
    lastEpoch = header.epoch
    lastTerm = header.term
  }

  /// Looks through a segment's memory from `offset` for a header that cannot be there unless the expected block had
  /// been acknowledged (or stands elsewhere, whole). O(bytes); one pass over all segments behind the first bad block.
  ///
  /// Up to `bodyEnd` it is the bad block's own body, where a block can stand only by a write that went astray. What
  /// looks like one there could be records: as one, an item has its type in the number's upper half.
  func proofOfLoss(
    in segment: UnsafeRawBufferPointer, number: UInt32, from offset: Int, bodyEnd: Int = 0
  ) -> String? {
    for place in stride(from: offset, to: segment.count, by: JournalLimits.blockAlignment) {
      guard let header = BlockHeader(at: segment.baseAddress! + place), foreignness(of: header) == nil,
        header.epoch >= lastEpoch, place >= bodyEnd || header.number < expectedNumber + 1 << 32
      else { continue }
      let found = "block \(header.number) was found at byte \(place) of segment \(number)"
      if header.number > expectedNumber { return "\(found), which was written after this one was durable" }
      if header.number == expectedNumber { return "it was found at byte \(place) of segment \(number)" }
    }
    return nil
  }
}
