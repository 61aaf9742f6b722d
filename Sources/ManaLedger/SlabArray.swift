/// Elements of one fixed size that never move, in slabs: growing copies nothing, so no batch pays for it.
struct SlabArray: ~Copyable {
  /// Bytes of an element.
  let stride: Int
  /// Elements of a slab, as a power of two.
  let shift: Int
  private(set) var count = 0

  private var arena = MemoryArena()
  private var slabs: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var slabCount = 0
  private var slabCapacity = 16

  init(stride: Int, shift: Int) {
    self.stride = stride
    self.shift = shift
    slabs = .allocate(capacity: slabCapacity)
  }

  deinit { slabs.deallocate() }

  /// The element's address; `index` must be below `count`. Constant time.
  @inline(__always)
  subscript(index: Int) -> UnsafeMutableRawPointer {
    slabs[index &>> shift] + (index & ((1 &<< shift) &- 1)) &* stride
  }

  /// Appends an element of zeros and returns its index. Constant time, but for a slab's allocation once in 2^shift.
  mutating func append() -> Int {
    if count == slabCount << shift { grow() }
    count += 1
    return count - 1
  }

  /// Has memory ready for `elements` more. Only slabs of 256 KiB and more are prepared.
  mutating func prepare(_ elements: Int) {
    let slabBytes = stride << shift
    if slabBytes >= MemoryArena.carvedBytesMin { arena.prepare((elements >> shift + 1) * slabBytes) }
  }

  /// See `Ledger.nextMemoryAhead`.
  mutating func nextMemoryAhead() -> MemoryAhead? { arena.nextAhead() }

  /// Takes the last element away.
  mutating func removeLast() {
    precondition(count > 0, "nothing to remove")
    count -= 1
    self[count].initializeMemory(as: UInt8.self, repeating: 0, count: stride)
  }

  /// Taken from the system, in bytes.
  var bytes: Int { arena.bytes + slabCapacity * MemoryLayout<UnsafeMutableRawPointer>.stride }

  private mutating func grow() {
    if slabCount == slabCapacity {
      let wider = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: slabCapacity * 2)
      wider.initialize(from: slabs, count: slabCount)
      slabs.deallocate()
      slabs = wider
      slabCapacity *= 2
    }
    (slabs + slabCount).initialize(to: arena.take(stride << shift))
    slabCount += 1
  }
}
