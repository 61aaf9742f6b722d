// A block is one group commit: a header, records, zeros up to a multiple of 512 bytes. Little-endian throughout.
//
//   offset  bytes  field
//        0      4  CRC32C of bytes 4 ..< 160
//        4      4  format version, 1
//        8      8  magic: FF 4D 41 4E 41 0D 0A FE (no byte FF or FE occurs in UTF-8, so no record's text is a header)
//       16     16  ledger id
//       32      2  shard
//       34      2  number of shards
//       36      4  epoch: grows with each start
//       40      8  term: grows with each change of leader; 0 without replication
//       48      4  segment number
//       52      4  where the block begins in its segment, in bytes
//       56      8  block number: 1, 2, 3 … without a gap, over all segments
//       64      8  position of the first record (in an empty block: where it would be)
//       72      4  byte length: header and records, without the padding
//       76      4  record count
//       80      8  number of the last block known durable when this one was sealed
//       88      8  timestamp of the block's last change of state, nanoseconds since 1970 UTC
//       96     16  XXH3-128 of the previous block's header (all 160 bytes); zeros in block 1
//      112     16  XXH3-128 of everything behind the header, padding included
//      128      8  digest of the shard's state after this block
//      136      4  flags, 0
//      140     20  reserved, 0
//
// A block is valid where it stands when the checksum is right, each field is what the place and the block before it
// ask for, and the body's hash is right. A header lies within one sector: after a torn write it is there or it is not.

import CIntrinsics
import CXXHash

/// XXH3-128 of some bytes, as its low and its high half.
struct Hash128: Equatable {
  var low: UInt64 = 0
  var high: UInt64 = 0

  init() {}

  init(of bytes: UnsafeRawBufferPointer) {
    let hash = mana_xxh3_128(bytes.baseAddress, bytes.count)
    low = hash.low64
    high = hash.high64
  }
}

/// What each block of one journal has in common.
struct JournalIdentity: Equatable {
  let ledgerID: UInt128
  let shard: Int
  let shardCount: Int
  let segmentBytes: Int
}

struct BlockHeader: Equatable {
  static let formatVersion: UInt32 = 1
  static let magic: UInt64 = 0xFE0A_0D41_4E41_4DFF

  private enum Offset {
    static let checksum = 0, formatVersion = 4, magic = 8, ledgerID = 16, shard = 32, shardCount = 34, epoch = 36
    static let term = 40, segment = 48, offset = 52, number = 56, firstPosition = 64, byteLength = 72
    static let recordCount = 76, durableNumber = 80, timestamp = 88, previousHash = 96, bodyHash = 112, digest = 128
    static let flags = 136, reserved = 140
  }

  var formatVersion = BlockHeader.formatVersion
  var ledgerID: UInt128
  var shard: UInt16
  var shardCount: UInt16
  var epoch: UInt32
  var term: UInt64
  var segment: UInt32
  var offset: UInt32
  var number: UInt64
  var firstPosition: UInt64
  var byteLength: UInt32
  var recordCount: UInt32
  var durableNumber: UInt64
  var timestamp: UInt64
  var previousHash: Hash128
  var bodyHash: Hash128
  var digest: UInt64
  var flags: UInt32 = 0

  /// Bytes on the disk: header, records, padding.
  var paddedLength: Int { Self.padded(Int(byteLength)) }

  static func padded(_ bytes: Int) -> Int {
    (bytes + JournalLimits.blockAlignment - 1) & -JournalLimits.blockAlignment
  }

  /// Writes the 160 bytes. Returns their hash, which the next block carries.
  func encode(into target: UnsafeMutableRawPointer) -> Hash128 {
    target.storeLittle(formatVersion, at: Offset.formatVersion)
    target.storeLittle(Self.magic, at: Offset.magic)
    target.storeLittle(ledgerID, at: Offset.ledgerID)
    target.storeLittle(shard, at: Offset.shard)
    target.storeLittle(shardCount, at: Offset.shardCount)
    target.storeLittle(epoch, at: Offset.epoch)
    target.storeLittle(term, at: Offset.term)
    target.storeLittle(segment, at: Offset.segment)
    target.storeLittle(offset, at: Offset.offset)
    target.storeLittle(number, at: Offset.number)
    target.storeLittle(firstPosition, at: Offset.firstPosition)
    target.storeLittle(byteLength, at: Offset.byteLength)
    target.storeLittle(recordCount, at: Offset.recordCount)
    target.storeLittle(durableNumber, at: Offset.durableNumber)
    target.storeLittle(timestamp, at: Offset.timestamp)
    target.storeLittle(previousHash.low, at: Offset.previousHash)
    target.storeLittle(previousHash.high, at: Offset.previousHash + 8)
    target.storeLittle(bodyHash.low, at: Offset.bodyHash)
    target.storeLittle(bodyHash.high, at: Offset.bodyHash + 8)
    target.storeLittle(digest, at: Offset.digest)
    target.storeLittle(flags, at: Offset.flags)
    System.zero(
      UnsafeMutableRawBufferPointer(
        start: target + Offset.reserved, count: JournalLimits.blockHeaderBytes - Offset.reserved))
    target.storeLittle(Self.checksum(of: target), at: Offset.checksum)
    return Self.hash(at: target)
  }

  /// The header at an address, or nil when none is there: the magic, the checksum and the reserved zeros decide.
  init?(at source: UnsafeRawPointer) {
    guard source.loadLittle(UInt64.self, at: Offset.magic) == Self.magic,
      source.loadLittle(UInt32.self, at: Offset.checksum) == Self.checksum(of: source),
      System.isZero(
        UnsafeRawBufferPointer(
          start: source + Offset.reserved, count: JournalLimits.blockHeaderBytes - Offset.reserved))
    else { return nil }
    formatVersion = source.loadLittle(UInt32.self, at: Offset.formatVersion)
    ledgerID = source.loadLittle(UInt128.self, at: Offset.ledgerID)
    shard = source.loadLittle(UInt16.self, at: Offset.shard)
    shardCount = source.loadLittle(UInt16.self, at: Offset.shardCount)
    epoch = source.loadLittle(UInt32.self, at: Offset.epoch)
    term = source.loadLittle(UInt64.self, at: Offset.term)
    segment = source.loadLittle(UInt32.self, at: Offset.segment)
    offset = source.loadLittle(UInt32.self, at: Offset.offset)
    number = source.loadLittle(UInt64.self, at: Offset.number)
    firstPosition = source.loadLittle(UInt64.self, at: Offset.firstPosition)
    byteLength = source.loadLittle(UInt32.self, at: Offset.byteLength)
    recordCount = source.loadLittle(UInt32.self, at: Offset.recordCount)
    durableNumber = source.loadLittle(UInt64.self, at: Offset.durableNumber)
    timestamp = source.loadLittle(UInt64.self, at: Offset.timestamp)
    previousHash = source.loadHash(at: Offset.previousHash)
    bodyHash = source.loadHash(at: Offset.bodyHash)
    digest = source.loadLittle(UInt64.self, at: Offset.digest)
    flags = source.loadLittle(UInt32.self, at: Offset.flags)
  }

  /// The hash by which the next block names this one.
  static func hash(at header: UnsafeRawPointer) -> Hash128 {
    Hash128(of: UnsafeRawBufferPointer(start: header, count: JournalLimits.blockHeaderBytes))
  }

  /// The checksum that a header has.
  static func checksumField(of header: UnsafeRawPointer) -> UInt32 {
    header.loadLittle(UInt32.self, at: Offset.checksum)
  }

  private static func checksum(of header: UnsafeRawPointer) -> UInt32 {
    crc(header + Offset.formatVersion, JournalLimits.blockHeaderBytes - Offset.formatVersion)
  }

  /// CRC32C of some bytes.
  static func crc(_ start: UnsafeRawPointer, _ count: Int) -> UInt32 { mana_crc32c(start, count) }

  /// Every field but the checksum, written out: the memberwise initializer that `init?(at:)` takes away.
  init(
    journal: JournalIdentity, epoch: UInt32, term: UInt64, segment: UInt32, offset: Int, number: UInt64,
    byteLength: Int, recordCount: Int, durableNumber: UInt64, timestamp: UInt64, previousHash: Hash128,
    bodyHash: Hash128, digest: UInt64
  ) {
    self.ledgerID = journal.ledgerID
    self.shard = UInt16(journal.shard)
    self.shardCount = UInt16(journal.shardCount)
    self.epoch = epoch
    self.term = term
    self.segment = segment
    self.offset = UInt32(offset)
    self.number = number
    self.firstPosition = Self.firstPosition(segment: segment, offset: offset, segmentBytes: journal.segmentBytes)
    self.byteLength = UInt32(byteLength)
    self.recordCount = UInt32(recordCount)
    self.durableNumber = durableNumber
    self.timestamp = timestamp
    self.previousHash = previousHash
    self.bodyHash = bodyHash
    self.digest = digest
  }

  static func firstPosition(segment: UInt32, offset: Int, segmentBytes: Int) -> UInt64 {
    (UInt64(segment) * UInt64(segmentBytes) + UInt64(offset + JournalLimits.blockHeaderBytes))
      / UInt64(JournalLimits.recordAlignment)
  }

  /// Behind the last record of a block, as a position; its first one where a length is too short for a header.
  static func endPosition(firstPosition: UInt64, byteLength: Int) -> UInt64 {
    firstPosition + UInt64(max(0, byteLength - JournalLimits.blockHeaderBytes) / JournalLimits.recordAlignment)
  }

  var endPosition: UInt64 { Self.endPosition(firstPosition: firstPosition, byteLength: Int(byteLength)) }
}

extension UnsafeRawPointer {
  func loadLittle<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
    Value(littleEndian: (self + offset).loadUnaligned(as: Value.self))
  }

  func loadHash(at offset: Int) -> Hash128 {
    var hash = Hash128()
    hash.low = loadLittle(UInt64.self, at: offset)
    hash.high = loadLittle(UInt64.self, at: offset + 8)
    return hash
  }
}

extension UnsafeMutableRawPointer {
  func storeLittle<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
    (self + offset).storeBytes(of: value.littleEndian, as: Value.self)
  }
}
