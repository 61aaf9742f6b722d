extension HashIndex {
  /// Calls `body` with the payload of each entry.
  func forEachPayload(_ body: (UInt64) -> Void) {
    for number in 0..<subTableCount {
      forEachEntry(of: subTables[number].base, bucketBits: bucketBits) { _, payload in body(payload) }
    }
  }

  /// Stops the process when the structure is broken. Linear in its size.
  func checkInvariants() {
    var total = 0
    for number in 0..<subTableCount {
      let table = subTables[number]
      var entries = 0
      forEachEntry(of: table.base, bucketBits: bucketBits) { key, payload in
        entries += 1
        precondition(payload != 0, "a payload is never zero")
        precondition(
          entry(key).table == subTables + number && base(key) == table.base, "an entry lies in its own sub-table")
        let isFound = find(key) { $0 == payload } == payload
        precondition(isFound, "each entry is found")
      }
      precondition(entries == table.count, "sub-table \(number) counts \(table.count), holds \(entries)")
      precondition(table.depth <= depth, "a sub-table is no deeper than the directory")
      checkBuckets(of: table)
      total += entries
    }
    precondition(total == count, "the index counts \(count), holds \(total)")
  }

  private func checkBuckets(of table: SubTable) {
    for bucket in 0..<(1 << bucketBits) {
      var isPastEnd = false
      for slot in 0..<Self.slotsPerBucket {
        let entry = table.base.load(fromByteOffset: bucket * Self.bucketBytes + slot * 8, as: UInt64.self)
        precondition(!(isPastEnd && entry != 0), "bucket \(bucket) has a hole")
        isPastEnd = entry == 0
      }
    }
  }
}
