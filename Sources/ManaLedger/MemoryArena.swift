// Where the tables' memory comes from.
//
// Large blocks are carved out of chunks of 2 MiB, aligned to 2 MiB, which are populated when they are made: a page fault
// in the middle of a batch costs more than the batch's arithmetic. Chunks lie one behind the other in regions of address
// space that are mapped, and offered to the kernel as huge pages, once: mapping, unmapping and asking for memory to be
// populated wait for every other thread that does one of these, and for its turn on a processor if it has a low priority.
// Touching memory does not, so it is populated by being touched.

import CIntrinsics

#if canImport(Glibc)
  import Glibc
#endif

/// Owns zeroed memory for tables that grow and never shrink; everything is released at once with the arena.
struct MemoryArena: ~Copyable {
  /// A huge page of x86-64 and of AArch64 with 4 KiB pages.
  static let chunkBytes = 2 << 20
  /// Address space that is reserved at a time; it costs nothing until it is populated. Tables of some 40 million
  /// transactions.
  static let regionBytes = 1 << 30
  /// Blocks from this size on come out of chunks; smaller ones are not worth a huge page.
  static let carvedBytesMin = 256 << 10
  /// Memory that is given back at a time.
  static let releasedBytes = 16 << 20
  /// What is populated beyond the chunks in use, by whoever asks for it.
  static let aheadBytes = 4 * chunkBytes
  /// Of each block: a cache line.
  static let alignment = 64

  private var regions: [UnsafeMutableRawBufferPointer] = []
  /// What is left of the latest region.
  private var reserved = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Of these bytes, the first ones that `nextAhead` has handed out.
  private var ahead = 0
  private var small: [UnsafeMutableRawPointer] = []
  private var open = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Chunks that were mapped ahead.
  private var ready: [UnsafeMutableRawBufferPointer] = []
  /// Everything taken from the system, in bytes.
  private(set) var bytes = 0

  init() {}

  deinit {
    for region in regions { Self.release(region) }
    for block in small { block.deallocate() }
  }

  /// A block of zeros, aligned to a cache line. Blocks of 256 KiB and more are populated. Linear in `count`.
  mutating func take(_ count: Int) -> UnsafeMutableRawPointer {
    if count < Self.carvedBytesMin {
      let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: Self.alignment)
      block.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      small.append(block)
      bytes += count
      return block
    }
    if open.count < count { open = takeReady(count) ?? mapChunk(count) }
    guard let block = open.baseAddress else { preconditionFailure("a chunk has an address") }
    open = UnsafeMutableRawBufferPointer(rebasing: open[count...])
    return block
  }

  /// Maps and populates chunks ahead until `count` bytes are there for blocks of 256 KiB and more.
  mutating func prepare(_ count: Int) {
    var missing = count - open.count - ready.reduce(0) { $0 + $1.count }
    while missing > 0 {
      let chunk = mapChunk(Self.chunkBytes)
      ready.append(chunk)
      missing -= chunk.count
    }
  }

  private mutating func takeReady(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    guard let chunk = ready.last, chunk.count >= count else { return nil }
    return ready.removeLast()
  }

  private mutating func mapChunk(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let wanted = (count + Self.chunkBytes - 1) & ~(Self.chunkBytes - 1)
    if reserved.count < wanted {
      let region = Self.map(max(wanted, Self.regionBytes))
      regions.append(region.mapped)
      reserved = region.aligned
      ahead = 0
    }
    let chunk = UnsafeMutableRawBufferPointer(rebasing: reserved[..<wanted])
    reserved = UnsafeMutableRawBufferPointer(rebasing: reserved[wanted...])
    // What was named as ahead is touched already, or is being so; else the table's first use does it.
    if ahead < wanted { Self.touch(chunk) }
    ahead = max(ahead - wanted, 0)
    bytes += chunk.count
    return chunk
  }

  /// The next chunk that is worth populating ahead, each once: nil when `aheadBytes` are, or when nothing large was taken
  /// yet. Constant time.
  mutating func nextAhead() -> MemoryAhead? {
    guard ahead < Self.aheadBytes - ready.count * Self.chunkBytes, ahead + Self.chunkBytes <= reserved.count,
      let base = reserved.baseAddress
    else { return nil }
    defer { ahead += Self.chunkBytes }
    return MemoryAhead(address: UInt(bitPattern: base + ahead), count: Self.chunkBytes)
  }

  /// Releases a block below 256 KiB before the arena does. Linear in the number of small blocks.
  mutating func release(small block: UnsafeMutableRawPointer, count: Int) {
    guard let index = small.lastIndex(of: block) else { preconditionFailure("the block is not of this arena") }
    small.remove(at: index)
    block.deallocate()
    bytes -= count
  }

  #if canImport(Glibc)
    /// What lies before and after the aligned part stays mapped, and is never touched: giving it back would wait twice
    /// more for what is being populated.
    private static func map(
      _ count: Int
    ) -> (mapped: UnsafeMutableRawBufferPointer, aligned: UnsafeMutableRawBufferPointer) {
      let slack = count + chunkBytes
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
      guard let mapping = mmap(nil, slack, PROT_READ | PROT_WRITE, flags, -1, 0), mapping != MAP_FAILED
      else { preconditionFailure("no address space for \(count) bytes of tables") }
      let base = mapping + (chunkBytes - Int(bitPattern: mapping) % chunkBytes) % chunkBytes
      // Advice: without huge pages the tables work as well.
      madvise(base, count, MADV_HUGEPAGE)
      return (
        UnsafeMutableRawBufferPointer(start: mapping, count: slack),
        UnsafeMutableRawBufferPointer(start: base, count: count)
      )
    }

    private static func touch(_ chunk: UnsafeMutableRawBufferPointer) { touchAhead(chunk) }

    /// Has the system hand memory out, on any thread, whoever else uses it.
    static func touchAhead(_ memory: UnsafeMutableRawBufferPointer) { mana_touch(memory.baseAddress, memory.count) }

    /// Its memory goes back in slices first. Unmapping a gigabyte at once would have others wait who map or populate.
    private static func release(_ region: UnsafeMutableRawBufferPointer) {
      let base = region.baseAddress!
      for offset in Swift.stride(from: 0, to: region.count, by: releasedBytes) {
        madvise(base + offset, min(releasedBytes, region.count - offset), MADV_DONTNEED)
      }
      munmap(base, region.count)
    }
  #else
    private static func map(
      _ count: Int
    ) -> (mapped: UnsafeMutableRawBufferPointer, aligned: UnsafeMutableRawBufferPointer) {
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: chunkBytes)
      return (region, region)
    }

    /// It is not zeroed yet.
    private static func touch(_ chunk: UnsafeMutableRawBufferPointer) {
      chunk.initializeMemory(as: UInt8.self, repeating: 0)
    }

    static func touchAhead(_ memory: UnsafeMutableRawBufferPointer) {}

    private static func release(_ region: UnsafeMutableRawBufferPointer) { region.deallocate() }
  #endif
}
