package import ManaJournal
import ManaProtocol
package import SystemPackage

/// A disk in memory, from a seed: it forgets what was not synced, sector by sector, and fails or lies when told to.
///
/// Two images are kept of a file from the moment on when the device does something else than it says: what it has, and
/// what an honest one would have. `honestCopy` is the backup that an operator would restore.
package final class SimulatedDisk: Storage, @unchecked Sendable {
  // Unchecked: a simulation has one thread.

  /// Something that is to happen at the n-th operation of the kind that it concerns.
  package struct Plan {
    package var kind: FaultKind
    package var countdown: Int

    package init(_ kind: FaultKind, after countdown: Int) {
      self.kind = kind
      self.countdown = countdown
    }
  }

  /// A change of names that no sync of its directory has followed.
  enum NameChange {
    case link(String, DiskNode)
    case unlink(String)
    case move(String, String, DiskNode)
    case directory(String)

    var path: String {
      switch self {
      case .link(let path, _), .unlink(let path), .move(_, let path, _), .directory(let path): path
      }
    }
  }

  var nodes: [String: DiskNode] = [:]
  var durableNodes: [String: DiskNode] = [:]
  var directories: Set<String> = [""]
  var durableDirectories: Set<String> = [""]
  var pendingNames: [NameChange] = []
  var nodeCount = 0
  var random: SplitMix64
  package internal(set) var counts = FaultCounts()
  package var plans: [Plan] = []
  /// The power fails at this many further changes of the disk.
  package var powerFailsAfter: Int?
  /// The power is off: nothing works until `losePower` or `restart`.
  package internal(set) var isOff = false
  /// No room for another segment.
  package var isFull = false
  /// A fault that nobody was told of, since the disk was last restored or found whole.
  package internal(set) var silentFault: FaultKind?
  /// Operations that changed something, so far.
  package private(set) var changes = 0

  /// Whether the file system can take room without writing it.
  private let takesRoom: Bool

  package init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    takesRoom = seed % 4 != 0
  }

  // MARK: Faults

  /// Whether a planned fault of this kind is due at this operation.
  private func strikes(_ kind: FaultKind) -> Bool {
    guard let place = plans.firstIndex(where: { $0.kind == kind }) else { return false }
    plans[place].countdown -= 1
    guard plans[place].countdown < 0 else { return false }
    plans.remove(at: place)
    note(kind)
    return true
  }

  func note(_ kind: FaultKind) {
    counts[kind] += 1
    if kind.isSilent { silentFault = kind }
  }

  /// Whether the power stays on for one more change.
  private func change() throws(Errno) {
    if isOff { throw .ioError }
    changes += 1
  }

  /// After a change: whether the power fails right behind it.
  private func settleChange() throws(Errno) {
    guard let left = powerFailsAfter else { return }
    if left > 0 {
      powerFailsAfter = left - 1
    } else {
      powerFailsAfter = nil
      isOff = true
      throw .ioError
    }
  }

  // MARK: Files

  func reserve(_ node: DiskNode, bytes: Int) throws(Errno) -> Bool {
    try change()
    if isFull {
      note(.diskFull)
      throw .noSpace
    }
    guard takesRoom else { return false }
    node.each { $0.grow(to: bytes) }
    try settleChange()
    return true
  }

  func read(_ node: DiskNode, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
    if isOff { throw .ioError }
    if strikes(.readError) { throw .ioError }
    let image = node.physical.current.buffer
    guard offset + buffer.count <= image.count else { throw .noData }
    if strikes(.shortRead) { throw .noData }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: image[offset..<offset + buffer.count]))
    guard plans.contains(where: { $0.kind == .staleRead }),
      let path = nodes.first(where: { $0.value === node })?.key, let sector = damageableSector(of: node, path: path),
      sector * 512 >= offset, sector * 512 < offset + buffer.count, strikes(.staleRead)
    else { return }
    // An older version of a sector: for a journal that only appends, what was there before it was written.
    let stale = UnsafeMutableRawBufferPointer(rebasing: buffer[sector * 512 - offset..<sector * 512 - offset + 512])
    stale.initializeMemory(as: UInt8.self, repeating: 0)
    _ = node.fork()
  }

  func write(_ node: DiskNode, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
    try change()
    if strikes(.writeError) { throw .ioError }
    if bytes.count > 512, strikes(.shortWrite) {
      let sectors = Int.random(in: 1..<bytes.count / 512, using: &random)
      let part = UnsafeRawBufferPointer(rebasing: bytes[..<(sectors * 512)])
      node.each { $0.write(part, at: offset) }
      throw .ioError
    }
    if strikes(.lostWrite) {
      node.fork().write(bytes, at: offset)
    } else if bytes.count < node.physical.current.buffer.count, strikes(.misplacedWrite) {
      node.fork().write(bytes, at: offset)
      node.physical.write(bytes, at: otherPlace(for: bytes.count, in: node, than: offset))
    } else if bytes.count < node.physical.current.buffer.count, strikes(.repeatedWrite) {
      node.fork().write(bytes, at: offset)
      node.physical.write(bytes, at: offset)
      node.physical.write(bytes, at: otherPlace(for: bytes.count, in: node, than: offset))
    } else {
      node.each { $0.write(bytes, at: offset) }
    }
    try settleChange()
  }

  private func otherPlace(for count: Int, in node: DiskNode, than offset: Int) -> Int {
    let sectors = (node.physical.current.buffer.count - count) / 512
    while true {
      let place = Int.random(in: 0...sectors, using: &random) * 512
      if place != offset { return place }
    }
  }

  func sync(_ node: DiskNode) throws(Errno) {
    try change()
    if strikes(.syncError) {
      // What was to be synced is on the platter or not, and the cache forgets which.
      let salt = random.next()
      node.each { image in image.losePower { mix64(salt ^ UInt64($0)) & 1 == 0 } }
      throw .ioError
    }
    if !node.physical.dirty.isEmpty, strikes(.syncLie) {
      node.fork().sync()
    } else {
      node.each { $0.sync() }
    }
    try settleChange()
  }
}

// MARK: - Names

extension SimulatedDisk {
  package func describe(_ path: String) -> String { "/data/" + path }

  package func names(in directory: String) throws(Errno) -> [String] {
    if isOff { throw .ioError }
    guard directories.contains(directory) else { throw .noSuchFileOrDirectory }
    let prefix = directory.isEmpty ? "" : directory + "/"
    let all = nodes.keys.filter { $0.hasPrefix(prefix) } + directories.filter { !$0.isEmpty && $0.hasPrefix(prefix) }
    return all.map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains("/") }.sorted()
  }

  private func nameFault() throws(Errno) {
    try change()
    if strikes(.nameError) { throw .ioError }
  }

  package func makeDirectory(_ path: String) throws(Errno) {
    try nameFault()
    guard directories.insert(path).inserted else { throw .fileExists }
    pendingNames.append(.directory(path))
    try settleChange()
  }

  package func open(_ path: String) throws(Errno) -> any StorageFile {
    if isOff { throw .ioError }
    guard let node = nodes[path] else { throw .noSuchFileOrDirectory }
    return SimulatedFile(self, node)
  }

  package func create(_ path: String) throws(Errno) -> any StorageFile {
    try nameFault()
    guard nodes[path] == nil else { throw .fileExists }
    nodeCount += 1
    let node = DiskNode(number: nodeCount)
    nodes[path] = node
    pendingNames.append(.link(path, node))
    try settleChange()
    return SimulatedFile(self, node)
  }

  package func rename(_ source: String, to target: String) throws(Errno) {
    try nameFault()
    guard let node = nodes.removeValue(forKey: source) else { throw .noSuchFileOrDirectory }
    nodes[target] = node
    pendingNames.append(.move(source, target, node))
    try settleChange()
  }

  package func link(_ source: String, to target: String) throws(Errno) {
    try nameFault()
    guard let node = nodes[source] else { throw .noSuchFileOrDirectory }
    guard nodes[target] == nil else { throw .fileExists }
    nodes[target] = node
    pendingNames.append(.link(target, node))
    try settleChange()
  }

  package func remove(_ path: String) throws(Errno) {
    try nameFault()
    guard nodes.removeValue(forKey: path) != nil else { throw .noSuchFileOrDirectory }
    pendingNames.append(.unlink(path))
    try settleChange()
  }

  package func syncDirectory(_ path: String) throws(Errno) {
    try nameFault()
    pendingNames.removeAll { change in
      guard Self.parent(of: change.path) == path else { return false }
      apply(change)
      return true
    }
    try settleChange()
  }

  func apply(_ change: NameChange) {
    switch change {
    case .link(let path, let node): durableNodes[path] = node
    case .unlink(let path): durableNodes[path] = nil
    case .move(let source, let target, let node):
      if durableNodes[source] === node { durableNodes[source] = nil }
      durableNodes[target] = node
    case .directory(let path): durableDirectories.insert(path)
    }
  }

  static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  package func lock(_ path: String) throws(Errno) -> LockOutcome {
    if isOff { throw .ioError }
    return .acquired(HeldLock())
  }

  package func lockForReading(_ path: String) throws(Errno) -> LockOutcome { try lock(path) }

  package func unsuitableFileSystem() throws(Errno) -> String? { nil }

  private final class HeldLock: Sendable {}
}
