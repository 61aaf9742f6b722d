// The identity file `ledger`: 512 bytes, little-endian, written once.
//
//   offset  bytes  field
//        0      8  magic: FF "LEDGER" FE
//        8      4  format version, 1
//       12      4  number of shards
//       16     16  ledger id, random
//       32      8  seed of the hash that gives an account its shard, random
//       40      8  segment length in bytes, a power of two
//       48    460  zeros
//      508      4  CRC32C of bytes 0 ..< 508
//
// It is valid when its length is 512, the checksum is right, and each field is within its limits.

import CIntrinsics

/// What makes a ledger this one; fixed when its data directory is made.
public struct LedgerIdentity: Equatable, Sendable {
  /// Random; every block carries it.
  public let ledgerID: UInt128
  /// How many independent journals the ledger has.
  public let shardCount: Int
  /// Bytes of each segment, a power of two.
  public let segmentBytes: Int
  /// Seed of the hash that gives an account its shard; random, so that nobody can aim at one shard.
  public let shardHashSeed: UInt64

  /// What the journal of one shard bears in each block.
  func journal(shard: Int) -> JournalIdentity {
    precondition((0..<shardCount).contains(shard), "the ledger has \(shardCount) shards")
    return JournalIdentity(ledgerID: ledgerID, shard: shard, shardCount: shardCount, segmentBytes: segmentBytes)
  }

  static let fileName = "ledger"
  static let temporaryName = "ledger.temporary"
  static let fileBytes = JournalLimits.blockAlignment
  static let formatVersion: UInt32 = 1
  static let magic: UInt64 = 0xFE52_4547_4445_4CFF

  private enum Offset {
    static let magic = 0, formatVersion = 8, shardCount = 12, ledgerID = 16, shardHashSeed = 32, segmentBytes = 40
    static let zeros = 48, checksum = 508
  }

  /// Why 512 bytes are no identity.
  enum Fault: Error, Equatable {
    case damaged(String)
    case version(UInt32)
  }

  func encode(into target: UnsafeMutableRawBufferPointer) {
    precondition(target.count == Self.fileBytes)
    System.zero(target)
    let base = target.baseAddress!
    base.storeLittle(Self.magic, at: Offset.magic)
    base.storeLittle(Self.formatVersion, at: Offset.formatVersion)
    base.storeLittle(UInt32(shardCount), at: Offset.shardCount)
    base.storeLittle(ledgerID, at: Offset.ledgerID)
    base.storeLittle(shardHashSeed, at: Offset.shardHashSeed)
    base.storeLittle(UInt64(segmentBytes), at: Offset.segmentBytes)
    base.storeLittle(mana_crc32c(base, Offset.checksum), at: Offset.checksum)
  }

  init(decoding source: UnsafeRawBufferPointer) throws(Fault) {
    precondition(source.count == Self.fileBytes)
    let base = source.baseAddress!
    guard base.loadLittle(UInt32.self, at: Offset.checksum) == mana_crc32c(base, Offset.checksum) else {
      throw .damaged("its checksum is wrong")
    }
    guard base.loadLittle(UInt64.self, at: Offset.magic) == Self.magic else { throw .damaged("its magic is wrong") }
    let version = base.loadLittle(UInt32.self, at: Offset.formatVersion)
    guard version == Self.formatVersion else { throw .version(version) }
    guard System.isZero(UnsafeRawBufferPointer(rebasing: source[Offset.zeros..<Offset.checksum])) else {
      throw .damaged("bytes that should be zero are not")
    }
    let segmentBytes = base.loadLittle(UInt64.self, at: Offset.segmentBytes)
    let shardCount = base.loadLittle(UInt32.self, at: Offset.shardCount)
    guard segmentBytes <= UInt64(JournalLimits.segmentBytesMax),
      CreationOptions.fault(shardCount: Int(shardCount), segmentBytes: Int(segmentBytes)) == nil
    else { throw .damaged("\(shardCount) shards with segments of \(segmentBytes) bytes cannot be") }
    self.init(
      ledgerID: base.loadLittle(UInt128.self, at: Offset.ledgerID), shardCount: Int(shardCount),
      segmentBytes: Int(segmentBytes), shardHashSeed: base.loadLittle(UInt64.self, at: Offset.shardHashSeed))
  }

  init(ledgerID: UInt128, shardCount: Int, segmentBytes: Int, shardHashSeed: UInt64) {
    self.ledgerID = ledgerID
    self.shardCount = shardCount
    self.segmentBytes = segmentBytes
    self.shardHashSeed = shardHashSeed
  }
}

/// What a new ledger is made with. An existing one keeps what it has.
public struct CreationOptions: Equatable, Sendable {
  /// How many independent journals, 1 … 1000; nil: as many as the ledger has, 1 for a new one. A number that differs
  /// from an existing ledger's is refused.
  public var shardCount: Int?
  /// Bytes of a segment, a power of two; only for a new ledger.
  public var segmentBytes: Int

  public init(shardCount: Int? = nil, segmentBytes: Int = JournalLimits.segmentBytesDefault) {
    self.shardCount = shardCount
    self.segmentBytes = segmentBytes
  }

  static func fault(shardCount: Int, segmentBytes: Int) -> String? {
    if !(1...JournalLimits.shardCountMax).contains(shardCount) {
      return "A ledger has 1 to \(JournalLimits.shardCountMax) shards, not \(shardCount)."
    }
    let range = JournalLimits.segmentBytesMin...JournalLimits.segmentBytesMax
    if !range.contains(segmentBytes) || segmentBytes & (segmentBytes - 1) != 0 {
      return "A segment's length is a power of two from \(range.lowerBound) to \(range.upperBound) bytes, not "
        + "\(segmentBytes)."
    }
    return nil
  }
}
