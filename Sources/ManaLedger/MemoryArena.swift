// Where the tables' memory comes from.
//
// Large blocks are carved out of chunks of 2 MiB that are mapped, aligned to 2 MiB, offered to the kernel as huge pages
// and populated when they are made: a page fault in the middle of a batch costs more than the batch's arithmetic.

#if canImport(Glibc)
  import Glibc
#endif

/// Owns zeroed memory for tables that grow and never shrink; everything is released at once with the arena.
struct MemoryArena: ~Copyable {
  /// A huge page of x86-64 and of AArch64 with 4 KiB pages.
  static let chunkBytes = 2 << 20
  /// Blocks from this size on come out of chunks; smaller ones are not worth a huge page.
  static let carvedBytesMin = 256 << 10
  /// Of each block: a cache line.
  static let alignment = 64

  private var chunks: [UnsafeMutableRawBufferPointer] = []
  private var small: [UnsafeMutableRawPointer] = []
  private var open = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Chunks that were mapped ahead.
  private var ready: [UnsafeMutableRawBufferPointer] = []
  /// Everything taken from the system, in bytes.
  private(set) var bytes = 0

  init() {}

  deinit {
    for chunk in chunks { Self.release(chunk) }
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
    let chunk = Self.map((count + Self.chunkBytes - 1) & ~(Self.chunkBytes - 1))
    chunks.append(chunk)
    bytes += chunk.count
    return chunk
  }

  /// Releases a block below 256 KiB before the arena does. Linear in the number of small blocks.
  mutating func release(small block: UnsafeMutableRawPointer, count: Int) {
    guard let index = small.lastIndex(of: block) else { preconditionFailure("the block is not of this arena") }
    small.remove(at: index)
    block.deallocate()
    bytes -= count
  }

  #if canImport(Glibc)
    private static func map(_ count: Int) -> UnsafeMutableRawBufferPointer {
      let slack = count + chunkBytes
      guard let mapping = mmap(nil, slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        mapping != MAP_FAILED
      else { preconditionFailure("no memory for \(count) bytes of tables") }
      // What lies before and after the aligned part goes back at once.
      let before = (chunkBytes - Int(bitPattern: mapping) % chunkBytes) % chunkBytes
      let base = mapping + before
      if before > 0 { munmap(mapping, before) }
      if slack - before > count { munmap(base + count, slack - before - count) }
      // Both are advice: without huge pages or without MADV_POPULATE_WRITE (23, Linux 5.14) the tables work as well.
      madvise(base, count, MADV_HUGEPAGE)
      if madvise(base, count, 23) != 0 {
        for offset in Swift.stride(from: 0, to: count, by: 4096) {
          base.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
      }
      return UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    private static func release(_ chunk: UnsafeMutableRawBufferPointer) {
      munmap(chunk.baseAddress, chunk.count)
    }
  #else
    private static func map(_ count: Int) -> UnsafeMutableRawBufferPointer {
      let base = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: chunkBytes)
      base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      return UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    private static func release(_ chunk: UnsafeMutableRawBufferPointer) { chunk.deallocate() }
  #endif
}
