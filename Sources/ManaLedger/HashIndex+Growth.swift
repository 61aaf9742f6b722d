// Growing: doubling the only sub-table while it is small, splitting one of many afterwards.
//
// Both move entries in the order in which they lie, beginning behind a bucket with an empty slot, beyond which no entry
// was displaced. Then no entry comes to lie further from its home than it lay before: the bucket in which it lay takes
// at most the seven that came before it from there. So moving cannot fail.

extension HashIndex {
  /// Makes room where `key` belongs.
  @inline(never)
  mutating func makeRoom(_ key: UInt64) {
    generation &+= 1
    if bucketBits < Self.bucketBitsMax { double() } else { split(key) }
  }

  /// Calls `body` with the key and the payload of each entry of a sub-table, in the order in which they lie.
  @inline(__always)
  func forEachEntry(of base: UnsafeRawPointer, bucketBits: Int, _ body: (UInt64, UInt64) -> Void) {
    let buckets = 1 << bucketBits
    let payloadBits = UInt64(64 - Self.hashBits - 2 + bucketBits)
    guard let last = (0..<buckets).first(where: { base.load(fromByteOffset: $0 * 64 + 56, as: UInt64.self) == 0 })
    else { preconditionFailure("a sub-table is never full") }
    for index in 1...buckets {
      let bucket = (last &+ index) & (buckets &- 1)
      for slot in 0..<Self.slotsPerBucket {
        let entry = base.load(fromByteOffset: bucket &* Self.bucketBytes &+ slot &* 8, as: UInt64.self)
        if entry == 0 { break }
        let displacement = Int(truncatingIfNeeded: entry &>> payloadBits & 3)
        let home = UInt64(truncatingIfNeeded: (bucket &- displacement) & (buckets &- 1))
        let tag = entry &>> (payloadBits &+ 2)
        body(tag &<< UInt64(truncatingIfNeeded: bucketBits) | home, entry & ((1 &<< payloadBits) &- 1))
      }
    }
  }

  /// Stores an entry that is moved. `fill` is how many entries each bucket of `base` has.
  @inline(__always)
  private static func move(
    _ key: UInt64, _ payload: UInt64, to base: UnsafeMutableRawPointer, fill: UnsafeMutableBufferPointer<UInt8>,
    bucketBits: Int
  ) {
    var bucket = Int(truncatingIfNeeded: key) & ((1 &<< bucketBits) &- 1)
    var displacement: UInt64 = 0
    while fill[bucket] == slotsPerBucket {
      bucket = (bucket &+ 1) & ((1 &<< bucketBits) &- 1)
      displacement &+= 1
      precondition(displacement < displacements, "no entry comes to lie further from its home than before")
    }
    let field = (key &>> UInt64(truncatingIfNeeded: bucketBits)) &<< 2 | displacement
    let slot = field &<< UInt64(truncatingIfNeeded: 64 &- hashBits &- 2 &+ bucketBits) | payload
    base.storeBytes(of: slot, toByteOffset: bucket &* bucketBytes &+ Int(fill[bucket]) &* 8, as: UInt64.self)
    fill[bucket] &+= 1
  }

  private mutating func double() {
    let oldBase = subTables[0].base
    let oldBits = bucketBits
    let oldBytes = Self.bucketBytes << oldBits
    let newBase = arena.take(oldBytes * 2)
    bucketBits += 1
    let bucketBits = bucketBits
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << bucketBits) { fill in
      fill.initialize(repeating: 0)
      forEachEntry(of: oldBase, bucketBits: oldBits) { key, payload in
        Self.move(key, payload, to: newBase, fill: fill, bucketBits: bucketBits)
      }
    }
    directory[0].base = newBase
    subTables[0].base = newBase
    subTables[0].limit = Self.limit(number: 0, depth: 0, bucketBits: bucketBits)
    if oldBytes < MemoryArena.carvedBytesMin { arena.release(small: oldBase, count: oldBytes) }
  }

  private mutating func split(_ key: UInt64) {
    if subTableCount == subTableCapacity { widenSubTables() }
    let number = entry(key).table - subTables
    let old = subTables[number]
    if old.depth == depth { doubleDirectory() }
    let lower = takeTable()
    let upper = takeTable()
    let bit = UInt64(1) << UInt64(Self.hashBits - 1 - old.depth)
    var upperCount = 0
    let bucketBits = bucketBits
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 << bucketBits) { fill in
      fill.initialize(repeating: 0)
      let lowerFill = UnsafeMutableBufferPointer(rebasing: fill[..<(1 << bucketBits)])
      let upperFill = UnsafeMutableBufferPointer(rebasing: fill[(1 << bucketBits)...])
      forEachEntry(of: old.base, bucketBits: bucketBits) { key, payload in
        if key & bit != 0 {
          upperCount &+= 1
          Self.move(key, payload, to: upper, fill: upperFill, bucketBits: bucketBits)
        } else {
          Self.move(key, payload, to: lower, fill: lowerFill, bucketBits: bucketBits)
        }
      }
    }
    describe(number, base: lower, count: old.count - upperCount, depth: old.depth + 1)
    describe(subTableCount, base: upper, count: upperCount, depth: old.depth + 1)
    // The directory's elements of the old table are neighbours; the second half of them is the new one's.
    let width = 1 << (depth - old.depth)
    let first = Int(key >> UInt64(Self.hashBits - old.depth)) * width
    for index in first..<first + width {
      let isUpper = index >= first + width / 2
      directory[index] =
        isUpper
        ? Entry(base: upper, table: subTables + subTableCount) : Entry(base: lower, table: subTables + number)
    }
    subTableCount += 1
    old.base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.bucketBytes << bucketBits)
    spare = old.base
  }

  private mutating func describe(_ number: Int, base: UnsafeMutableRawPointer, count: Int, depth: Int) {
    let limit = Self.limit(number: number, depth: depth, bucketBits: bucketBits)
    (subTables + number).initialize(to: SubTable(base: base, count: count, limit: limit, depth: depth))
  }

  private mutating func takeTable() -> UnsafeMutableRawPointer {
    defer { spare = nil }
    return spare ?? arena.take(Self.bucketBytes << bucketBits)
  }

  private mutating func widenSubTables() {
    let wide = UnsafeMutablePointer<SubTable>.allocate(capacity: subTableCapacity * 2)
    wide.moveInitialize(from: subTables, count: subTableCount)
    for index in 0..<1 << depth { directory[index].table = wide + (directory[index].table - subTables) }
    subTables.deallocate()
    subTables = wide
    subTableCapacity *= 2
  }

  private mutating func doubleDirectory() {
    precondition(depth < Self.depthMax, "the index is full: \(count) entries")
    let size = 1 << depth
    let wide = UnsafeMutablePointer<Entry>.allocate(capacity: size * 2)
    for index in 0..<size * 2 { (wide + index).initialize(to: directory[index / 2]) }
    directory.deallocate()
    directory = wide
    depth += 1
  }
}
