#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes that end where readable memory ends: reading one byte too many stops the test process.
struct GuardedBytes: ~Copyable {
  private static let page = 4_096

  private let memory: UnsafeMutableRawPointer
  private let mapped: Int
  let bytes: UnsafeRawBufferPointer

  init(_ source: [UInt8]) {
    let room = (source.count + Self.page - 1) / Self.page * Self.page
    mapped = room + Self.page
    memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    precondition(memory != MAP_FAILED, "no memory")
    let start = memory + room - source.count
    source.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: start, count: source.count).copyMemory(from: $0) }
    precondition(mprotect(memory + room, Self.page, PROT_NONE) == 0, "the page cannot be protected")
    bytes = UnsafeRawBufferPointer(start: start, count: source.count)
  }

  deinit { munmap(memory, mapped) }
}
