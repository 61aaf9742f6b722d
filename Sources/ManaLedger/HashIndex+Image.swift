// An index in an image: k, the directory's bits, the number of sub-tables and of entries; for each sub-table its depth,
// the bits of the tag that its entries share, and how many they are; then the sub-tables' buckets as they are.

extension HashIndex {
  func writeImage<Sink: ImageSink>(to sink: inout Sink) throws(Sink.Failure) {
    for number in [bucketBits, depth, subTableCount, count] { try sink.append(number: number) }
    var prefixes = [Int](repeating: 0, count: subTableCount)
    // From the last one on: what stays is the first element of each sub-table's.
    for index in (0..<1 << depth).reversed() {
      let number = directory[index].table - subTables
      prefixes[number] = index >> (depth - subTables[number].depth)
    }
    for number in 0..<subTableCount {
      for value in [subTables[number].depth, prefixes[number], subTables[number].count] {
        try sink.append(number: value)
      }
    }
    for number in 0..<subTableCount {
      try sink.append(UnsafeRawBufferPointer(start: subTables[number].base, count: Self.bucketBytes << bucketBits))
    }
  }

  /// The index that an image holds, with payloads up to `payloadMax`. Linear in its size.
  init<Source: ImageSource>(
    image source: inout Source, payloadMax: UInt64
  ) throws(ImageError<Source.Failure>) {
    self.init()
    let emptied = (base: subTables[0].base, bytes: Self.bucketBytes << bucketBits)
    bucketBits = try source.number(upTo: Self.bucketBitsMax, "an index's buckets")
    guard bucketBits >= Self.bucketBitsMin else { throw .unsound("an index's buckets") }
    depth = try source.number(upTo: Self.depthMax, "an index's depth")
    let tables = try source.number(upTo: 1 << depth, "an index's sub-tables")
    guard tables > 0, bucketBits == Self.bucketBitsMax || depth == 0 else { throw .unsound("an index's sub-tables") }
    count = try source.number(upTo: tables * Self.slotsPerBucket << bucketBits, "an index's entries")
    arena.release(small: emptied.base, count: emptied.bytes)
    directory.deallocate()
    directory = .allocate(capacity: 1 << depth)
    subTables.deallocate()
    subTables = .allocate(capacity: tables)
    subTableCapacity = tables
    subTableCount = tables
    let prefixes = try readTables(&source)
    for number in 0..<tables {
      let base = arena.take(Self.bucketBytes << bucketBits)
      subTables[number].base = base
      try source.bytes(UnsafeMutableRawBufferPointer(start: base, count: Self.bucketBytes << bucketBits))
      guard isSound(subTables[number], prefix: prefixes[number], payloadMax: payloadMax) else {
        throw .unsound("an index's buckets")
      }
    }
    fillDirectory(prefixes)
  }

  /// Reads what is known of the sub-tables, which must share the directory among them. What is left out is where they
  /// are.
  private mutating func readTables<Source: ImageSource>(
    _ source: inout Source
  ) throws(ImageError<Source.Failure>) -> [Int] {
    var prefixes: [Int] = []
    var elements = [Bool](repeating: false, count: 1 << depth)
    var entries = 0
    for number in 0..<subTableCount {
      let tableDepth = try source.number(upTo: depth, "a sub-table's depth")
      let prefix = try source.number(upTo: 1 << tableDepth - 1, "a sub-table's place")
      let tableCount = try source.number(upTo: Self.slotsPerBucket << bucketBits - 1, "a sub-table's entries")
      let width = 1 << (depth - tableDepth)
      for element in prefix * width..<(prefix + 1) * width {
        guard !elements[element] else { throw .unsound("a sub-table's place") }
        elements[element] = true
      }
      let limit = Self.limit(number: number, depth: tableDepth, bucketBits: bucketBits)
      (subTables + number).initialize(
        to: SubTable(base: UnsafeMutableRawPointer(subTables), count: tableCount, limit: limit, depth: tableDepth))
      prefixes.append(prefix)
      entries += tableCount
    }
    guard elements.allSatisfy({ $0 }), entries == count else { throw .unsound("an index's sub-tables") }
    return prefixes
  }

  private func fillDirectory(_ prefixes: [Int]) {
    for (number, prefix) in prefixes.enumerated() {
      let table = subTables + number
      let width = 1 << (depth - table.pointee.depth)
      for element in prefix * width..<(prefix + 1) * width {
        (directory + element).initialize(to: Entry(base: table.pointee.base, table: table))
      }
    }
  }

  /// Whether each entry of a sub-table is where it belongs and leads to a payload that can be.
  private func isSound(_ table: SubTable, prefix: Int, payloadMax: UInt64) -> Bool {
    let buckets = 1 << bucketBits
    var fill = [UInt8](repeating: 0, count: buckets)
    for bucket in 0..<buckets {
      let slots = (table.base + bucket * Self.bucketBytes).assumingMemoryBound(to: UInt64.self)
      let used = (0..<Self.slotsPerBucket).first { slots[$0] == 0 } ?? Self.slotsPerBucket
      guard (used..<Self.slotsPerBucket).allSatisfy({ slots[$0] == 0 }) else { return false }
      fill[bucket] = UInt8(used)
    }
    guard fill.reduce(0, { $0 + Int($1) }) == table.count else { return false }
    var isSound = true
    forEachEntry(of: table.base, bucketBits: bucketBits) { key, payload in
      let isPlaced = key >> UInt64(Self.hashBits - table.depth) == UInt64(prefix)
      isSound = isSound && isPlaced && Self.key(key) == key && payload != 0 && payload <= payloadMax
    }
    return isSound && areDisplacedEntriesFound(table, fill)
  }

  /// A search ends at the first bucket with an empty slot: those that an entry was displaced over are full.
  private func areDisplacedEntriesFound(_ table: SubTable, _ fill: [UInt8]) -> Bool {
    let buckets = 1 << bucketBits
    for bucket in 0..<buckets {
      let slots = (table.base + bucket * Self.bucketBytes).assumingMemoryBound(to: UInt64.self)
      for slot in 0..<Int(fill[bucket]) {
        let displacement = Int(slots[slot] >> UInt64(payloadBits) & 3)
        for step in 0..<displacement {
          guard fill[(bucket - displacement + step) & (buckets - 1)] == Self.slotsPerBucket else { return false }
        }
      }
    }
    return true
  }
}
