import ManaJournal
import SystemPackage

/// Bytes of a simulated file. Raw memory, because a segment is long and seeds are many.
final class DiskBytes {
  let buffer: UnsafeMutableRawBufferPointer

  init(count: Int) {
    buffer = .allocate(byteCount: count, alignment: 512)
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { buffer.deallocate() }

  func resized(to count: Int) -> DiskBytes {
    let copy = DiskBytes(count: count)
    copy.copy(0..<min(count, buffer.count), from: self)
    return copy
  }

  func copy(_ range: Range<Int>, from source: DiskBytes) {
    guard !range.isEmpty else { return }
    (buffer.baseAddress! + range.lowerBound).copyMemory(
      from: source.buffer.baseAddress! + range.lowerBound, byteCount: range.count)
  }

  func equals(_ other: DiskBytes) -> Bool {
    buffer.count == other.buffer.count && buffer.elementsEqual(other.buffer)
  }
}

/// A file as one device has it: what is on its platter, and what its cache shows.
final class DiskImage {
  private(set) var durable = DiskBytes(count: 0)
  private(set) var current = DiskBytes(count: 0)
  /// Sectors whose cached bytes are not on the platter yet, in the order in which they were written.
  private(set) var dirty: [Int] = []

  func copied() -> DiskImage {
    let copy = DiskImage()
    copy.durable = durable.resized(to: durable.buffer.count)
    copy.current = current.resized(to: current.buffer.count)
    copy.dirty = dirty
    return copy
  }

  func grow(to count: Int) {
    if count > current.buffer.count { current = current.resized(to: count) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    grow(to: offset + bytes.count)
    (current.buffer.baseAddress! + offset).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    for sector in offset / 512..<(offset + bytes.count) / 512 { dirty.append(sector) }
  }

  /// A file's length is durable with its bytes.
  func sync() {
    if durable.buffer.count != current.buffer.count { durable = durable.resized(to: current.buffer.count) }
    for sector in dirty { durable.copy(sector * 512..<sector * 512 + 512, from: current) }
    dirty = []
  }

  /// The cache is gone but for the sectors that are kept.
  func losePower(keeping keeps: (Int) -> Bool) {
    let kept = dirty.filter(keeps)
    if let last = kept.max(), last * 512 + 512 > durable.buffer.count {
      durable = durable.resized(to: last * 512 + 512)
    }
    for sector in kept { durable.copy(sector * 512..<sector * 512 + 512, from: current) }
    let lost = dirty
    dirty = []
    guard durable.buffer.count == current.buffer.count else {
      current = durable.resized(to: durable.buffer.count)
      return
    }
    for sector in lost { current.copy(sector * 512..<sector * 512 + 512, from: durable) }
  }

  func flip(bit: Int) {
    durable.buffer[bit / 8] ^= 1 << (bit % 8)
    current.buffer[bit / 8] ^= 1 << (bit % 8)
  }
}

/// What a name leads to.
final class DiskNode {
  let number: Int
  /// What the device has.
  var physical: DiskImage
  /// What an honest device would have, once this one has not been.
  var honest: DiskImage?

  init(number: Int, physical: DiskImage = DiskImage()) {
    self.number = number
    self.physical = physical
  }

  /// Both images, where there are two.
  func each(_ body: (DiskImage) -> Void) {
    body(physical)
    if let honest { body(honest) }
  }

  /// From here on the device is not honest.
  func fork() -> DiskImage {
    if honest == nil { honest = physical.copied() }
    return honest!
  }

  func copyOfHonest() -> DiskNode {
    DiskNode(number: number, physical: (honest ?? physical).copied())
  }

  var isForked: Bool {
    guard let honest else { return false }
    return !honest.durable.equals(physical.durable) || !honest.current.equals(physical.current)
  }
}

/// An open file.
final class SimulatedFile: StorageFile, @unchecked Sendable {
  // Unchecked: a simulation has one thread.
  private let disk: SimulatedDisk
  private let node: DiskNode

  init(_ disk: SimulatedDisk, _ node: DiskNode) {
    self.disk = disk
    self.node = node
  }

  func size() throws(Errno) -> Int { node.physical.current.buffer.count }
  func reserve(bytes: Int) throws(Errno) -> Bool { try disk.reserve(node, bytes: bytes) }
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
    try disk.read(node, into: buffer, at: offset)
  }
  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
    try disk.write(node, buffer, at: offset)
  }
  func sync() throws(Errno) { try disk.sync(node) }
}
