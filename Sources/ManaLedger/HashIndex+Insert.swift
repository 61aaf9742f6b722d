import CIntrinsics

extension HashIndex {
  /// Adds an entry. Several entries may have the same hash. Constant time, but for a split once in some ten thousand
  /// insertions of a sub-table, below a millisecond.
  @inline(never)
  mutating func insert(_ hash: UInt64, payload: UInt64) {
    let key = Self.key(hash)
    precondition(payload != 0 && payload <= Self.payloadMax, "a payload has 1 to 38 bits")
    while !(payload &>> UInt64(truncatingIfNeeded: payloadBits) == 0 && place(key, payload)) { makeRoom(key) }
  }

  /// Whether an entry with this payload can be stored without growing.
  @inline(__always)
  func hasRoom(_ table: UnsafeMutablePointer<SubTable>, for payload: UInt64) -> Bool {
    table.pointee.count < table.pointee.limit && payload &>> UInt64(truncatingIfNeeded: payloadBits) == 0
  }

  /// Adds an entry in the slot that `vacancy` found, for which there is room.
  @inline(__always)
  mutating func insert(
    _ payload: UInt64, at slot: UnsafeMutableRawPointer, _ pattern: UInt32, _ table: UnsafeMutablePointer<SubTable>
  ) {
    fill(slot, with: UInt64(pattern) &<< 32 | payload, of: table)
  }

  /// Adds an entry where a search has just ended that found none. Nothing was inserted since.
  @inline(__always)
  mutating func insert(_ hash: UInt64, payload: UInt64, at vacancy: Vacancy) {
    guard let slot = vacancy.slot, let table = vacancy.table, hasRoom(table, for: payload) else {
      return insert(hash, payload: payload)
    }
    precondition(payload != 0, "a payload is not zero")
    fill(slot, with: vacancy.field | payload, of: table)
  }

  @inline(__always)
  private mutating func fill(
    _ slot: UnsafeMutableRawPointer, with entry: UInt64, of table: UnsafeMutablePointer<SubTable>
  ) {
    slot.storeBytes(of: entry, as: UInt64.self)
    table.pointee.count &+= 1
    count &+= 1
  }

  @inline(__always)
  func slot(_ key: UInt64, displacement: Int, payload: UInt64) -> UInt64 {
    let tag = key &>> UInt64(truncatingIfNeeded: bucketBits)
    let field = tag &<< 2 | UInt64(truncatingIfNeeded: displacement)
    return field &<< UInt64(truncatingIfNeeded: payloadBits) | payload
  }

  /// Stores the entry in the first bucket with room, or else makes room in one; false when there is none to be made or the
  /// sub-table is due for a split.
  @inline(__always)
  private mutating func place(_ key: UInt64, _ payload: UInt64) -> Bool {
    let table = entry(key).table
    guard table.pointee.count < table.pointee.limit else { return false }
    guard put(key, payload, into: table.pointee.base) || displace(for: key, payload, in: table.pointee.base) else {
      return false
    }
    table.pointee.count &+= 1
    count &+= 1
    return true
  }

  /// Stores the entry in the first bucket of `base` with room, if there is one.
  @inline(__always)
  func put(_ key: UInt64, _ payload: UInt64, into base: UnsafeMutableRawPointer) -> Bool {
    for displacement in 0..<Self.displacements {
      let bucket = (key &+ UInt64(truncatingIfNeeded: displacement)) & bucketMask
      let line = base + Int(truncatingIfNeeded: bucket) &* Self.bucketBytes
      let empty = mana_match_slots(line, 0, 0) &>> 8
      if empty != 0 {
        let slot = slot(key, displacement: displacement, payload: payload)
        line.storeBytes(of: slot, toByteOffset: empty.trailingZeroBitCount &* 8, as: UInt64.self)
        return true
      }
    }
    return false
  }
}
