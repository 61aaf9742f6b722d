import ManaProtocol

// The items of one call have their memory fetched while those before them are executed (`Ledger.run`). Calls of one item
// each would wait for every line. Whoever has several of them at hand says which items are to come, and they are treated
// as if they were one call's: first the buckets that their ids lead to, then the accounts that these name.

extension Ledger {
  /// Items of one group that `locateAhead` takes.
  public static var aheadItemsMax: Int { LedgerLimits.aheadItems }

  /// Groups that are told apart; their numbers begin with 0.
  public static var aheadGroups: Int { LedgerLimits.aheadGroups }

  /// Asks for the buckets that the ids of items lead to. A hint: the bytes need not be an item's, nothing is changed, and
  /// forgetting to ask changes nothing but the time that `post` takes. O(items), without waiting for memory.
  ///
  /// - Parameters:
  ///   - items: where 64 bytes each can be read, at most `aheadItemsMax`.
  ///   - group: takes the place of the group that had this number.
  public func locateAhead(_ items: UnsafeBufferPointer<UnsafeRawPointer>, group: Int) {
    precondition(items.count <= LedgerLimits.aheadItems && (0..<LedgerLimits.aheadGroups).contains(group))
    let first = LedgerLimits.aheadFirst + group * LedgerLimits.aheadItems
    for (offset, item) in items.enumerated() { locate(ItemView(item), first + offset, size: 0) }
    loadBuckets(first, first + items.count)
  }

  /// Asks for the accounts that the items of a located group name; to be called when their buckets have arrived. A hint,
  /// too, and harmless after whatever was executed in between. O(items).
  public func approachAhead(group: Int, count: Int) {
    precondition(count <= LedgerLimits.aheadItems && (0..<LedgerLimits.aheadGroups).contains(group))
    let first = LedgerLimits.aheadFirst + group * LedgerLimits.aheadItems
    approach(first, first + count)
  }
}
