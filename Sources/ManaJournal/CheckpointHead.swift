// A checkpoint is the state of a shard after one of its blocks, so that a start need not execute that block and those
// before it again. It saves time and nothing else: without it the journal gives the same state.
//
//   shard-SSS/NNNNNNNNNNNNNNNNNNNN.checkpoint             N: the block's number, twenty decimal digits
//   shard-SSS/NNNNNNNNNNNNNNNNNNNN.checkpoint.temporary   one in the making; the next one, or the next start, removes it
//
//   0 ..< 512   the head, below
//   the rest    pieces of 1 MiB, the last one shorter: 16 bytes XXH3-128 of what follows in it, then content; zeros up
//               to a multiple of 512 at the end
//
// The content is the marks of all blocks (`SegmentMarks+Checkpoint.swift`), then what the journal's user has to say of
// its state. Little-endian throughout. The head:
//
//   offset  bytes  field
//        0      4  CRC32C of bytes 4 ..< 512
//        4      4  format version, 1
//        8      8  magic: FF 4D 43 48 4B 0D 0A FE
//       16     16  ledger id
//       32      2  shard
//       34      2  number of shards
//       36      4  segment length in bytes
//       40      4  segment of the block
//       44      4  where the block ends in it, padding included, in bytes
//       48      8  number of the block
//       56     16  XXH3-128 of the block's header
//       72      8  position behind its last record
//       80      8  digest of the state
//       88      8  records up to there
//       96      8  bytes of content
//      104     16  XXH3-128 of the hash of all pieces before the last one and of the last one's; see `root(_:_:)`
//      120    392  zeros
//
// A checkpoint is believed when all of that fits, and the journal has that block there. One that is whole, while the
// journal has not, means that the journal has lost what was acknowledged.

/// What a checkpoint is of.
struct CheckpointHead: Equatable {
  static let bytes = JournalLimits.blockAlignment
  static let formatVersion: UInt32 = 1
  static let magic: UInt64 = 0xFE0A_0D4B_4843_4DFF
  static let hashBytes = 16

  private enum Offset {
    static let checksum = 0, formatVersion = 4, magic = 8, ledgerID = 16, shard = 32, shardCount = 34
    static let segmentBytes = 36, segment = 40, end = 44, number = 48, blockHash = 56, endPosition = 72, digest = 80
    static let records = 88, contentBytes = 96, root = 104, reserved = 120
  }

  let journal: JournalIdentity
  /// Behind the block: where the next one is, unless it begins a segment.
  var resume: BlockPlace
  /// Of the block.
  var number: UInt64
  var blockHash: Hash128
  /// Behind the last record.
  var endPosition: UInt64
  /// Of the state.
  var digest: UInt64
  /// In all blocks up to there.
  var records: UInt64
  var contentBytes = 0
  var root = Hash128()

  /// The end of the block, in bytes from the journal's beginning.
  var journalBytes: Int { Int(resume.segment) * journal.segmentBytes + resume.offset }

  /// Bytes of the file.
  var fileBytes: Int {
    let perPiece = JournalLimits.checkpointPieceBytes - Self.hashBytes
    let rest = contentBytes % perPiece
    let last = rest == 0 ? 0 : BlockHeader.padded(Self.hashBytes + rest)
    return Self.bytes + contentBytes / perPiece * JournalLimits.checkpointPieceBytes + last
  }

  /// The hash of all pieces, from that of all but the last and that of the last.
  static func root(_ before: Hash128, _ piece: Hash128) -> Hash128 {
    withUnsafeTemporaryAllocation(byteCount: 2 * hashBytes, alignment: 8) { buffer in
      let base = buffer.baseAddress!
      for (index, hash) in [before, piece].enumerated() {
        base.storeLittle(hash.low, at: index * hashBytes)
        base.storeLittle(hash.high, at: index * hashBytes + 8)
      }
      return Hash128(of: UnsafeRawBufferPointer(buffer))
    }
  }

  init(
    journal: JournalIdentity, resume: BlockPlace, number: UInt64, blockHash: Hash128, endPosition: UInt64,
    digest: UInt64, records: UInt64
  ) {
    self.journal = journal
    self.resume = resume
    self.number = number
    self.blockHash = blockHash
    self.endPosition = endPosition
    self.digest = digest
    self.records = records
  }

  func encode(into target: UnsafeMutableRawPointer) {
    System.zero(UnsafeMutableRawBufferPointer(start: target, count: Self.bytes))
    target.storeLittle(Self.formatVersion, at: Offset.formatVersion)
    target.storeLittle(Self.magic, at: Offset.magic)
    target.storeLittle(journal.ledgerID, at: Offset.ledgerID)
    target.storeLittle(UInt16(journal.shard), at: Offset.shard)
    target.storeLittle(UInt16(journal.shardCount), at: Offset.shardCount)
    target.storeLittle(UInt32(journal.segmentBytes), at: Offset.segmentBytes)
    target.storeLittle(resume.segment, at: Offset.segment)
    target.storeLittle(UInt32(resume.offset), at: Offset.end)
    target.storeLittle(number, at: Offset.number)
    target.storeLittle(blockHash.low, at: Offset.blockHash)
    target.storeLittle(blockHash.high, at: Offset.blockHash + 8)
    target.storeLittle(endPosition, at: Offset.endPosition)
    target.storeLittle(digest, at: Offset.digest)
    target.storeLittle(records, at: Offset.records)
    target.storeLittle(UInt64(contentBytes), at: Offset.contentBytes)
    target.storeLittle(root.low, at: Offset.root)
    target.storeLittle(root.high, at: Offset.root + 8)
    target.storeLittle(Self.checksum(of: target), at: Offset.checksum)
  }

  /// The head at an address. Throws what is wrong with it, a clause.
  init(at source: UnsafeRawPointer, of journal: JournalIdentity) throws(CheckpointFault) {
    guard source.loadLittle(UInt64.self, at: Offset.magic) == Self.magic,
      source.loadLittle(UInt32.self, at: Offset.checksum) == Self.checksum(of: source)
    else { throw CheckpointFault("its head is damaged") }
    let version = source.loadLittle(UInt32.self, at: Offset.formatVersion)
    guard version == Self.formatVersion else { throw CheckpointFault("it has format version \(version)") }
    guard source.loadLittle(UInt128.self, at: Offset.ledgerID) == journal.ledgerID,
      Int(source.loadLittle(UInt16.self, at: Offset.shard)) == journal.shard,
      Int(source.loadLittle(UInt16.self, at: Offset.shardCount)) == journal.shardCount,
      Int(source.loadLittle(UInt32.self, at: Offset.segmentBytes)) == journal.segmentBytes
    else { throw CheckpointFault("it belongs to another ledger or shard") }
    let content = source.loadLittle(UInt64.self, at: Offset.contentBytes)
    self.init(
      journal: journal,
      resume: BlockPlace(
        segment: source.loadLittle(UInt32.self, at: Offset.segment),
        offset: Int(source.loadLittle(UInt32.self, at: Offset.end))),
      number: source.loadLittle(UInt64.self, at: Offset.number),
      blockHash: source.loadHash(at: Offset.blockHash),
      endPosition: source.loadLittle(UInt64.self, at: Offset.endPosition),
      digest: source.loadLittle(UInt64.self, at: Offset.digest),
      records: source.loadLittle(UInt64.self, at: Offset.records))
    contentBytes = Int(clamping: content)
    root = source.loadHash(at: Offset.root)
    let position =
      (UInt64(resume.segment) * UInt64(journal.segmentBytes) + UInt64(resume.offset))
      / UInt64(JournalLimits.recordAlignment)
    guard content < 1 << 50, number > 0, resume.offset > 0, resume.offset <= journal.segmentBytes,
      resume.offset % JournalLimits.blockAlignment == 0, endPosition > 0, endPosition <= position,
      position <= JournalLimits.positionLimit,
      System.isZero(UnsafeRawBufferPointer(start: source + Offset.reserved, count: Self.bytes - Offset.reserved))
    else { throw CheckpointFault("its head is of no block there can be") }
  }

  private static func checksum(of head: UnsafeRawPointer) -> UInt32 {
    BlockHeader.crc(head + Offset.formatVersion, bytes - Offset.formatVersion)
  }
}

/// What is wrong with a checkpoint: a clause that begins with a pronoun.
public struct CheckpointFault: Error, Equatable, Sendable {
  public let reason: String

  public init(_ reason: String) { self.reason = reason }
}

/// A checkpoint that was passed over: a start takes longer, and nothing else.
public struct CheckpointProblem: Equatable, Sendable, CustomStringConvertible {
  /// The path of its file.
  public let file: String
  public let reason: String

  public var description: String { "\(file): \(reason)" }
}

/// A checkpoint that was made.
public struct CheckpointReport: Equatable, Sendable {
  /// The block whose state it has.
  public let block: UInt64
  /// Of its file.
  public let bytes: Int
  /// The end of the block, in bytes from the journal's beginning.
  public let journalBytes: Int
  /// What it took, in nanoseconds.
  public internal(set) var nanoseconds: UInt64 = 0
}
