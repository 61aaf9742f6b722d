import SystemPackage

@testable import ManaJournal

/// A disk in memory that forgets what was not synced, tears writes at 512 bytes, and fails when told to.
///
/// It is used from one thread at a time, except by the tests that run the real threads, which only count and gate.
final class SimulatedStorage: Storage, @unchecked Sendable {
  // Unchecked: everything below is touched with `lock` held.
  struct Failure {
    var operation: Int
    var isLasting: Bool
    var code: Errno
    /// Whether reads and looks count, too, and not only what changes the disk.
    var countsReads = false
  }

  fileprivate final class Node {
    var durable = Bytes(count: 0)
    var current = Bytes(count: 0)
    /// Bytes written since the last sync, in whole sectors.
    var dirty: [Range<Int>] = []

    func resize(to count: Int) {
      if count != current.buffer.count { current = current.resized(to: count) }
    }

    /// A file's length is durable with its bytes.
    func sync() {
      if durable.buffer.count != current.buffer.count { durable = durable.resized(to: current.buffer.count) }
      for range in dirty { durable.copy(range, from: current) }
      dirty = []
    }
  }

  fileprivate let lock = System.Condition()
  private var nodes: [String: Node] = [:]
  private var durableNodes: [String: Node] = [:]
  private var directories: Set<String> = [""]
  private var isLocked = false
  /// Reads and looks are not counted, unless the failure to come counts them: only what changes the disk.
  private(set) var operationCount = 0
  private(set) var firedCount = 0
  var failure: Failure?
  /// The newest block whose write was followed by a sync, as its own header says.
  private var newestSyncedBlock: UInt64 = 0

  var syncedBlockNumber: UInt64 {
    lock.lock()
    defer { lock.unlock() }
    return newestSyncedBlock
  }

  /// Room for segments' reservations, in bytes; nil: endless.
  private(set) var roomBytes: Int?

  /// False: room cannot be taken, only be written to.
  var canReserve = true

  func setRoom(_ bytes: Int?) {
    lock.lock()
    defer { lock.unlock() }
    roomBytes = bytes
  }

  fileprivate func locked<Result>(_ body: () throws(Errno) -> Result) throws(Errno) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }

  /// Counts one change of the disk, which may be the one to fail.
  fileprivate func change() throws(Errno) {
    operationCount += 1
    guard let failure else { return }
    if operationCount == failure.operation || (failure.isLasting && operationCount > failure.operation) {
      firedCount += 1
      throw failure.code
    }
  }

  /// Counts one read or look, which may be the one to fail.
  fileprivate func look() throws(Errno) {
    if failure?.countsReads == true { try change() }
  }

  // MARK: Storage

  func describe(_ path: String) -> String { "/data/" + path }

  func names(in directory: String) throws(Errno) -> [String] {
    try locked { () throws(Errno) in
      try look()
      guard directories.contains(directory) else { throw .noSuchFileOrDirectory }
      let prefix = directory.isEmpty ? "" : directory + "/"
      let all = nodes.keys.filter { $0.hasPrefix(prefix) } + directories.filter { !$0.isEmpty && $0.hasPrefix(prefix) }
      return all.map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains("/") }.sorted()
    }
  }

  func makeDirectory(_ path: String) throws(Errno) {
    try locked { () throws(Errno) in
      try change()
      guard directories.insert(path).inserted else { throw .fileExists }
    }
  }

  func syncDirectory(_ path: String) throws(Errno) {
    try locked { () throws(Errno) in
      try change()
      func isInside(_ name: String) -> Bool {
        let parent = name.lastIndex(of: "/").map { String(name[..<$0]) } ?? ""
        return parent == path
      }
      durableNodes = durableNodes.filter { !isInside($0.key) }
      durableNodes.merge(nodes.filter { isInside($0.key) }) { $1 }
    }
  }

  func open(_ path: String) throws(Errno) -> any StorageFile {
    try locked { () throws(Errno) in
      try look()
      guard let node = nodes[path] else { throw .noSuchFileOrDirectory }
      return SimulatedFile(self, node, path)
    }
  }

  func create(_ path: String) throws(Errno) -> any StorageFile {
    try locked { () throws(Errno) in
      try change()
      guard nodes[path] == nil else { throw .fileExists }
      let node = Node()
      nodes[path] = node
      return SimulatedFile(self, node, path)
    }
  }

  func rename(_ source: String, to target: String) throws(Errno) {
    try locked { () throws(Errno) in
      try change()
      guard let node = nodes.removeValue(forKey: source) else { throw .noSuchFileOrDirectory }
      nodes[target] = node
    }
  }

  func link(_ source: String, to target: String) throws(Errno) {
    try locked { () throws(Errno) in
      try change()
      guard let node = nodes[source] else { throw .noSuchFileOrDirectory }
      guard nodes[target] == nil else { throw .fileExists }
      nodes[target] = node
    }
  }

  func remove(_ path: String) throws(Errno) {
    try locked { () throws(Errno) in
      try change()
      guard nodes.removeValue(forKey: path) != nil else { throw .noSuchFileOrDirectory }
    }
  }

  func lock(_ path: String) throws(Errno) -> LockOutcome { .acquired(SimulatedLock()) }
  func unsuitableFileSystem() throws(Errno) -> String? { nil }

  // MARK: What a test does to the disk

  /// The disk as a power cut leaves it: synced bytes, and of the others the sectors that `keeps` chooses. Names that
  /// were not synced are there when `keepsNames`.
  func crashed(keepsNames: Bool = true, keeping keeps: (_ path: String, _ sector: Int) -> Bool) -> SimulatedStorage {
    let result = SimulatedStorage()
    result.directories = directories
    for (path, node) in keepsNames ? nodes : durableNodes {
      let copy = Node()
      copy.durable = node.durable.resized(to: node.durable.buffer.count)
      // A kept sector behind the synced length makes the file reach as far.
      for offset in node.dirty.flatMap({ stride(from: $0.lowerBound, to: $0.upperBound, by: 512) })
      where keeps(path, offset / 512) {
        if copy.durable.buffer.count < offset + 512 { copy.durable = copy.durable.resized(to: offset + 512) }
        copy.durable.copy(offset..<offset + 512, from: node.current)
      }
      copy.current = copy.durable.resized(to: copy.durable.buffer.count)
      result.nodes[path] = copy
    }
    result.durableNodes = result.nodes
    return result
  }

  /// An independent copy of what is there now, synced or not.
  func copied() -> SimulatedStorage { crashed { _, _ in true } }

  var paths: [String] { nodes.keys.sorted() }
  func contents(of path: String) -> [UInt8] { Array(nodes[path]!.current.buffer) }

  /// Changes the bytes of a file behind the journal's back.
  func edit(_ path: String, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    let node = nodes[path]!
    body(node.current.buffer)
    node.dirty = [0..<node.current.buffer.count]
    node.sync()
  }

  /// Turns one bit of a file, on the disk and in its cache. Quick.
  func flip(_ path: String, bit: Int) {
    guard let node = nodes[path] else { preconditionFailure("\(path) is not there") }
    for bytes in [node.current, node.durable] { bytes.buffer[bit / 8] ^= 1 << UInt8(bit % 8) }
  }

  /// What else happens whenever bytes are read, or room is taken, before they are.
  var onRead: (() -> Void)?
  var onReserve: (() -> Void)?
  /// What else happens when a file was synced.
  var onSync: ((_ path: String) -> Void)?
  /// Sectors that reads fail on, by path.
  var unreadable: [String: Set<Int>] = [:]

  func erase(_ path: String) {
    nodes[path] = nil
    durableNodes[path] = nil
  }

  func eraseDirectory(_ path: String) {
    directories.remove(path)
    for name in paths where name.hasPrefix(path + "/") { erase(name) }
  }

  func add(_ path: String, _ bytes: [UInt8]) {
    let node = Node()
    node.resize(to: bytes.count)
    nodes[path] = node
    durableNodes[path] = node
    edit(path) { $0.copyBytes(from: bytes) }
  }

  fileprivate final class SimulatedFile: StorageFile, @unchecked Sendable {
    // Unchecked: the node is touched with the storage's lock held.
    private let storage: SimulatedStorage
    private let node: Node
    private let path: String

    init(_ storage: SimulatedStorage, _ node: Node, _ path: String) {
      self.storage = storage
      self.node = node
      self.path = path
    }

    func size() throws(Errno) -> Int {
      try storage.locked { () throws(Errno) in
        try storage.look()
        return node.current.buffer.count
      }
    }

    func reserve(bytes: Int) throws(Errno) -> Bool {
      storage.onReserve?()
      return try storage.locked { () throws(Errno) in
        guard storage.canReserve else { return false }
        try storage.change()
        if let room = storage.roomBytes {
          guard room >= bytes else { throw .noSpace }
          storage.roomBytes = room - bytes
        }
        node.resize(to: max(node.current.buffer.count, bytes))
        return true
      }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
      precondition(offset % 512 == 0 && buffer.count % 512 == 0)
      storage.onRead?()
      try storage.locked { () throws(Errno) in
        try storage.look()
        guard offset + buffer.count <= node.current.buffer.count else { throw .noData }
        let sectors = offset / 512..<(offset + buffer.count) / 512
        if storage.unreadable[path]?.contains(where: sectors.contains) == true { throw .ioError }
        buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: node.current.buffer[offset..<offset + buffer.count]))
      }
    }

    func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
      precondition(offset % 512 == 0 && buffer.count % 512 == 0)
      try storage.locked { () throws(Errno) in
        try storage.change()
        let range = offset..<offset + buffer.count
        node.resize(to: max(node.current.buffer.count, range.upperBound))
        UnsafeMutableRawBufferPointer(rebasing: node.current.buffer[range]).copyMemory(from: buffer)
        node.dirty.append(range)
      }
    }

    func sync() throws(Errno) {
      try storage.locked { () throws(Errno) in
        try storage.change()
        for range in node.dirty {
          let number = BlockHeader(at: node.current.buffer.baseAddress! + range.lowerBound)?.number ?? 0
          storage.newestSyncedBlock = max(storage.newestSyncedBlock, number)
        }
        node.sync()
      }
      storage.onSync?(path)
    }
  }
}

/// Bytes of a file: raw memory, because arrays are slow in a debug build.
private final class Bytes {
  let buffer: UnsafeMutableRawBufferPointer

  init(count: Int) {
    buffer = .allocate(byteCount: count, alignment: 16)
    System.zero(buffer)
  }

  deinit { buffer.deallocate() }

  /// A copy, longer by zeros or shorter.
  func resized(to count: Int) -> Bytes {
    let copy = Bytes(count: count)
    copy.copy(0..<min(count, buffer.count), from: self)
    return copy
  }

  func copy(_ range: Range<Int>, from source: Bytes) {
    UnsafeMutableRawBufferPointer(rebasing: buffer[range])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source.buffer[range]))
  }
}

private final class SimulatedLock: Sendable {}
