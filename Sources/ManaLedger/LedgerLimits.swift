import ManaProtocol

/// Limits of this module, with units and reasons.
public enum LedgerLimits {
  /// Items whose loads are started together: enough that the processor's page walkers and miss buffers are all busy,
  /// few enough that three groups, with some six lines an item, stay in the first-level cache until their turn.
  static let groupItems = 16

  /// Items that are on their way at a time, a power of two of at least three groups; the mask of their indices.
  static let preparedItems = 64
  static let preparedMask = preparedItems - 1

  /// Calls of one item whose loads are started together: fewer than items, since a call's way takes more of the cache, and
  /// what begins is delayed by the first group.
  static let aheadItems = 8

  /// The groups of calls that are on their way at a time, and where the first has its place among the prepared items: a
  /// call of one item takes the first of these.
  static let aheadGroups = 3
  static let aheadFirst = 32

  /// Records that one call of `list` may examine: about a millisecond when they are in memory but in no cache. A call
  /// that finds too little ends early with a cursor.
  public static let examinedMax = 20_000

  /// A record that is not in memory counts for so many of them: each may cost a read of the disk. A page that no filter
  /// thins out is as long as it would be otherwise.
  static let absentRecordWork = examinedMax / Limits.pageMax

  /// Records that are taken out of a chain at once: what a page may hold.
  static let windowMax = Limits.pageMax

  /// Fewest records of a window: when a filter is strict, many small windows would each cost a search.
  static let windowMin = 64

  /// Least room for a page: its prelude and one transaction with the longest texts.
  public static let pageBytesMin = paddedToWords(
    HistoryReplyPrelude.bytes + TransactionView.bytes + 2 * Limits.textBytesMax)

  /// A timeout whose refund does not fit its account is tried again after an hour, in nanoseconds.
  public static let timeoutRetryNanoseconds: UInt64 = 3_600_000_000_000
}
