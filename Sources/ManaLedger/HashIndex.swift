// An index from hashes to numbers, by extendible hashing. It stores no keys: a look-up yields the payloads whose hash
// agrees, and the caller compares what they stand for.
//
// Of a hash 37 bits count. With 2^k buckets in a sub-table, the low k bits name the home bucket and the other 37 − k
// are the tag. A slot is 64 bits, zero when empty:
//
//   bits 0 ..< 25 + k    payload, not zero
//   2 bits               displacement: how many buckets beyond its home the slot lies, 0 to 3
//   37 − k bits          tag, not zero
//
// A bucket is a cache line of 8 slots, filled from the first on. An entry lies at most 3 buckets beyond its home, and all
// buckets that it was displaced over are full, so that a bucket with an empty slot ends a search. A new entry takes the
// first bucket with room. Where that would be too far, others are moved on by what their displacement allows until one
// near enough has room ("hopscotch hashing", Herlihy, Shavit, Tzafrir, 2008); without that, the first bucket too full
// would end the life of a sub-table that is half empty.
//
// There is one sub-table of 2^7 buckets at first. It grows by doubling, which moves one bit from the tag to the bucket,
// up to 2^13 buckets (512 KiB). From then on a full sub-table is split in two by a high bit of the tag, and a directory
// indexed by the tag's highest bits finds the sub-table. Either takes only what the slots hold; no key is read again.
//
// All sub-tables fill at the same pace. So the most memory an entry takes is where nearly all have just been split: they
// are 36 percent full then, 22 bytes an entry.

import CIntrinsics

/// Index from hashes to payloads of up to 38 bits. See the top of the file for its layout.
struct HashIndex: ~Copyable {
  static let hashBits = 37
  static let bucketBitsMin = 7
  static let bucketBitsMax = 13
  static let slotsPerBucket = 8
  static let bucketBytes = 64
  static let displacements = 4
  /// Largest payload: 38 bits.
  static let payloadMax: UInt64 = (1 << 38) - 1
  /// Directory bits at most; the tag keeps four bits that tell entries of a bucket apart.
  static let depthMax = 20

  /// What is known of a sub-table beside its slots.
  struct SubTable {
    var base: UnsafeMutableRawPointer
    var count: Int
    /// It splits when it has more entries.
    var limit: Int
    /// How many of the tag's highest bits all its entries share.
    var depth: Int
  }

  /// An element of the directory: a sub-table's buckets, and the rest that is known of it.
  struct Entry {
    var base: UnsafeMutableRawPointer
    var table: UnsafeMutablePointer<SubTable>
  }

  /// Of every sub-table: k.
  var bucketBits = bucketBitsMin
  /// The directory has 2^depth elements.
  var depth = 0
  /// Sub-tables by the tag's highest bits.
  var directory: UnsafeMutablePointer<Entry>
  /// By number, with room for `subTableCapacity`.
  var subTables: UnsafeMutablePointer<SubTable>
  var subTableCount = 1
  var subTableCapacity = 1
  /// A sub-table's memory that a split left over.
  var spare: UnsafeMutableRawPointer?
  var arena = MemoryArena()
  /// Number of entries.
  var count = 0
  /// How often the index has grown: what was looked up before leads nowhere since.
  var generation: UInt32 = 0

  init() {
    directory = .allocate(capacity: 1)
    let base = arena.take(Self.bucketBytes << bucketBits)
    subTables = .allocate(capacity: 1)
    directory.initialize(to: Entry(base: base, table: subTables))
    subTables.initialize(
      to: SubTable(base: base, count: 0, limit: Self.limit(number: 0, depth: 0, bucketBits: bucketBits), depth: 0))
  }

  deinit {
    directory.deallocate()
    subTables.deallocate()
  }

  /// Taken from the system, in bytes.
  var bytes: Int {
    arena.bytes + MemoryLayout<Entry>.stride << depth
      + MemoryLayout<SubTable>.stride * subTableCapacity
  }

  /// Has memory ready for the growth that `entries` more will need at most.
  mutating func prepare(_ entries: Int) {
    // Sub-tables are at least 30 percent full after a split (most 36), and one is in transit.
    let tables = (entries * 10 / 3) / (Self.slotsPerBucket << Self.bucketBitsMax) + 2
    arena.prepare(tables * Self.bucketBytes << Self.bucketBitsMax)
  }

  // MARK: Bits

  var payloadBits: Int { @inline(__always) get { 64 &- Self.hashBits &- 2 &+ bucketBits } }

  /// The bits of a hash that count. A tag is never zero: the upper half of an occupied slot tells it from an empty one.
  @inline(__always)
  static func key(_ hash: UInt64) -> UInt64 {
    let key = hash & ((1 << 37) - 1)
    return key &>> 13 == 0 ? key | 1 << 13 : key
  }

  /// Between 55 and 72 percent, a different one for each sub-table: all fill at the same pace, and must not all split
  /// in the same batch. While there are few, between 70 and 73: chance could have them all split early, at the cost of
  /// memory. Beyond that entries would have to be moved so often that inserting takes a tenth more instructions.
  static func limit(number: Int, depth: Int, bucketBits: Int) -> Int {
    let spread = Int(truncatingIfNeeded: fold(UInt64(number + 1), 0x9E37_79B9_7F4A_7C15) &+ UInt64(depth) &* 37) & 0xFF
    let (percent, width) = depth < 3 ? (70, 3) : (55, 17)
    return (slotsPerBucket << bucketBits) * (percent * 256 + width * spread) / (100 * 256)
  }

  // MARK: Searching

  /// Where the search for a hash begins, as long as the index does not grow.
  struct Probe {
    /// The home bucket.
    var line: UnsafeMutableRawPointer
    var table: UnsafeMutablePointer<SubTable>
    /// What the upper half of a slot with this hash holds above the payload, at displacement 0.
    var pattern: UInt32
  }

  @inline(__always)
  func probe(_ hash: UInt64) -> Probe {
    let key = Self.key(hash)
    let entry = entry(key)
    return Probe(line: home(key, in: entry.base), table: entry.table, pattern: pattern(key))
  }

  @inline(__always)
  func entry(_ key: UInt64) -> Entry {
    directory[Int(truncatingIfNeeded: key &>> UInt64(truncatingIfNeeded: Self.hashBits &- depth))]
  }

  @inline(__always)
  func base(_ key: UInt64) -> UnsafeMutableRawPointer { entry(key).base }

  @inline(__always)
  func home(_ key: UInt64, in base: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    base + Int(truncatingIfNeeded: key & bucketMask) &* Self.bucketBytes
  }

  var bucketMask: UInt64 { @inline(__always) get { (1 &<< UInt64(truncatingIfNeeded: bucketBits)) &- 1 } }

  @inline(__always)
  func pattern(_ key: UInt64) -> UInt32 {
    let field = (key &>> UInt64(truncatingIfNeeded: bucketBits)) &<< 2
    return UInt32(truncatingIfNeeded: field &<< UInt64(truncatingIfNeeded: payloadBits &- 32))
  }

  /// Of displacement 1 in the upper half of a slot; the bits below belong to the payload.
  var displacementStep: UInt32 { @inline(__always) get { 1 &<< UInt32(truncatingIfNeeded: payloadBits &- 32) } }

  /// The first payload with this hash in its home bucket, or 0: a guess worth prefetching.
  @inline(__always)
  func guess(_ probe: Probe) -> UInt64 {
    let hits = mana_match_slots(probe.line, probe.pattern, 0 &- displacementStep) & 0xFF
    return hits == 0 ? 0 : payload(probe.line, hits.trailingZeroBitCount)
  }

  @inline(__always)
  func payload(_ line: UnsafeRawPointer, _ slot: Int) -> UInt64 {
    line.load(fromByteOffset: slot &* 8, as: UInt64.self) & ((1 &<< UInt64(truncatingIfNeeded: payloadBits)) &- 1)
  }

  /// Where a search that found nothing ended: the slot that an entry with this hash would take.
  struct Vacancy {
    /// Nil when there was no room or no search.
    var slot: UnsafeMutableRawPointer?
    var table: UnsafeMutablePointer<SubTable>?
    /// The slot's content, but for the payload.
    var field: UInt64 = 0
  }

  /// The free slot that an entry would take, when no entry has this hash and there is one within reach; nil when only
  /// `find` can tell. `pattern`, that of the probe, becomes what the slot is to hold above the payload.
  @inline(__always)
  func vacancy(_ probe: Probe, _ pattern: inout UInt32) -> UnsafeMutableRawPointer? {
    let match = mana_match_slots(probe.line, pattern, 0 &- displacementStep)
    if match == 0 { return vacancyBeyondHome(probe, &pattern) }
    return match & 0xFF != 0 ? nil : probe.line + (match &>> 8).trailingZeroBitCount &* 8
  }

  /// The same, of a full home bucket without the hash.
  @inline(never)
  private func vacancyBeyondHome(_ probe: Probe, _ pattern: inout UInt32) -> UnsafeMutableRawPointer? {
    let base = probe.table.pointee.base
    var offset = probe.line - base
    let mask = Self.bucketBytes &<< bucketBits &- 1
    for _ in 1..<Self.displacements {
      offset = (offset &+ Self.bucketBytes) & mask
      pattern = pattern &+ displacementStep
      let line = base + offset
      let match = mana_match_slots(line, pattern, 0 &- displacementStep)
      if match & 0xFF != 0 { return nil }
      if match != 0 { return line + (match &>> 8).trailingZeroBitCount &* 8 }
    }
    return nil
  }

  /// The first payload with this hash that `matches`, or 0. Constant time; about one cache line.
  @inline(__always)
  func find<Failure: Error>(_ hash: UInt64, _ matches: (UInt64) throws(Failure) -> Bool) throws(Failure) -> UInt64 {
    var vacancy = Vacancy()
    return try find(hash, probe(hash), &vacancy, matches)
  }

  /// The same, from where a probe begins; when it finds nothing it tells where the entry could be inserted.
  @inline(__always)
  func find<Failure: Error>(
    _ hash: UInt64, _ probe: Probe, _ vacancy: inout Vacancy, _ matches: (UInt64) throws(Failure) -> Bool
  ) throws(Failure) -> UInt64 {
    let step = displacementStep
    var pattern = probe.pattern
    var line = probe.line
    var displacement: UInt64 = 0
    while true {
      let match = mana_match_slots(line, pattern, 0 &- step)
      var hits = match & 0xFF
      while hits != 0 {
        let payload = payload(line, hits.trailingZeroBitCount)
        if try matches(payload) { return payload }
        hits &= hits &- 1
      }
      if match &>> 8 != 0 {
        let empty = (match &>> 8).trailingZeroBitCount
        vacancy = Vacancy(slot: line + empty &* 8, table: probe.table, field: UInt64(pattern) &<< 32)
        return 0
      }
      displacement &+= 1
      if displacement == UInt64(Self.displacements) { return 0 }
      let key = Self.key(hash)
      line = home(key &+ displacement, in: base(key))
      pattern = pattern &+ step
    }
  }
}
