/// Every limit of the journal: its value, its unit, why it has that value. `JournalLimitsTests` checks the relations.
public enum JournalLimits {
  /// Records begin at multiples of this many bytes, so that a position (a place divided by 32) names each of them.
  public static let recordAlignment = 32

  /// Blocks begin at multiples of this many bytes: the logical block of the devices we know, hence the smallest
  /// direct write, and the unit in which a torn write tears. A lonely charge costs one of them.
  public static let blockAlignment = 512

  /// Bytes of a block's header; a multiple of `recordAlignment`, so that the records behind it are aligned.
  public static let blockHeaderBytes = 160

  /// The longest block, header included: below 1 MiB, with room for the envelope of a replicated log entry.
  public static let blockBytesMax = (1 << 20) - 4096

  /// The most bytes of records that one block holds, in a segment that is longer than a block may be.
  /// See `Journal.recordBytesPerBlockMax` for the limit of a particular journal.
  public static let recordBytesPerBlockMax = blockBytesMax - blockHeaderBytes

  /// The shortest segment, in bytes. Only tests want one this short.
  public static let segmentBytesMin = 64 << 10

  /// The segment length of a new ledger, in bytes: sixteen huge pages of memory, zeroed on a disk within a tenth of
  /// a second or so, and 300,000 records before the next one is needed.
  public static let segmentBytesDefault = 32 << 20

  /// The longest segment, in bytes; a place within it fits 32 bits.
  public static let segmentBytesMax = 1 << 30

  /// Positions stay below this (38 bits, 8 TiB of journal a shard), so that an index can keep other bits beside them.
  public static let positionLimit: UInt64 = 1 << 38

  /// The most shards of a ledger: the names of their directories have three digits.
  public static let shardCountMax = 1000

  /// Blocks handed to the writer and not yet durable: one on its way to the disk and three full ones behind it.
  /// More would only add to the time a reply waits.
  static let blocksAheadMax = 4

  /// What is worth a write of its own in the middle of a turn, in bytes: about as many records as are executed while it
  /// is on its way.
  static let submittedAheadBytesMin = 16 << 10

  /// When the last block had so many bytes, writing takes its time for them, and a turn's records stay together.
  static let submittedAheadBytesMax = 128 << 10

  /// The longest block in bytes that a loop writes itself for a lone caller: what a disk writes as fast as a sector.
  static let writtenAtOnceBytesMax = 4096

  /// How long the last write and sync may have taken for the loop to do the next one itself, in nanoseconds: several times
  /// what a good disk takes. One that stalls holds the loop up once.
  static let writtenAtOnceNanosecondsMax: UInt64 = 1_000_000

  /// The zeros of a new segment are written in pieces of this many bytes: long enough to stream, short enough that a
  /// commit does not wait long behind one.
  static let zeroPieceBytes = 1 << 20

  /// Segments that are ready ahead: one to be taken, and one more so that a slow disk has the time of a whole segment
  /// to make the next.
  static let sparesMax = 2

  /// How long a spare lies about before its zeros are really written, in nanoseconds: at full speed a segment lasts
  /// half of that, and is better off without.
  static let zeroDelayNanoseconds: UInt64 = 100_000_000

  /// Most memory for blocks that were read back, in bytes a shard: at least sixteen blocks, and as many as one call of a
  /// ledger that reads them at once looks at together.
  static let cacheBytesMax = 16 << 20

  /// The most that is read of a record without its block, in bytes.
  static let startBytesMax = 128

  /// Threads that read blocks back, a shard: a disk is fast only when it is asked for several things at the same time.
  static let readersMax = 4

  /// A checkpoint is written in pieces of this many bytes: a commit does not wait long behind one.
  static let checkpointPieceBytes = 1 << 20

  /// Bytes of a shard's journal between two checkpoints, by default: what a start executes again in some ten seconds. Making
  /// one takes a sixth of the throughput of two processors that are busy without it, so that it should be rare.
  public static let checkpointBytesDefault = 4 << 30

  /// Recovery reads in pieces of this many bytes.
  static let readPieceBytes = 4 << 20

  /// Segments that a start reads ahead of the one that it executes, each on a thread of its own: with two the disk and the
  /// touching of memory are busy at the same time.
  static let segmentsReadAhead = 2

  /// How long the preparer waits before it asks a full disk for room again.
  static let roomRetryNanoseconds: UInt64 = 1_000_000_000

  /// Direct input and output wants its memory aligned to the device's logical block; a page always suffices.
  static let pageBytes = 4096

  /// Segment memory of at least this length is aligned to it, so that the kernel can back it with huge pages.
  static let hugePageBytes = 2 << 20
}
