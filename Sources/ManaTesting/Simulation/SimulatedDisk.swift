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
  private enum NameChange {
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

  private var nodes: [String: DiskNode] = [:]
  private var durableNodes: [String: DiskNode] = [:]
  private var directories: Set<String> = [""]
  private var durableDirectories: Set<String> = [""]
  private var pendingNames: [NameChange] = []
  private var nodeCount = 0
  var random: SplitMix64
  package private(set) var counts = FaultCounts()
  package var plans: [Plan] = []
  /// The power fails at this many further changes of the disk.
  package var powerFailsAfter: Int?
  /// The power is off: nothing works until `losePower` or `restart`.
  package private(set) var isOff = false
  /// No room for another segment.
  package var isFull = false
  /// A fault that nobody was told of, since the disk was last restored or found whole.
  package private(set) var silentFault: FaultKind?
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
    guard plans.contains(where: { $0.kind == .staleRead }), let path = nodes.first(where: { $0.value === node })?.key,
      let sector = damageableSector(of: node, path: path), sector * 512 >= offset, sector * 512 < offset + buffer.count, strikes(.staleRead)
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

  private func apply(_ change: NameChange) {
    switch change {
    case .link(let path, let node): durableNodes[path] = node
    case .unlink(let path): durableNodes[path] = nil
    case .move(let source, let target, let node):
      if durableNodes[source] === node { durableNodes[source] = nil }
      durableNodes[target] = node
    case .directory(let path): durableDirectories.insert(path)
    }
  }

  private static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  package func lock(_ path: String) throws(Errno) -> LockOutcome {
    if isOff { throw .ioError }
    return .acquired(HeldLock())
  }

  package func unsuitableFileSystem() throws(Errno) -> String? { nil }

  private final class HeldLock: Sendable {}
}

// MARK: - What the world does

extension SimulatedDisk {
  /// The process was killed: the device's cache stays.
  package func restart() { isOff = false }

  /// The power failed: any subset of the sectors and names that were not synced is there.
  package func losePower() {
    isOff = false
    powerFailsAfter = nil
    let salt = random.next()
    // Sometimes all or nothing, mostly some.
    let keepsOf8 = [0, 8, 1, 4, 4, 7].randomElement(using: &random)!
    func keeps(_ node: Int, _ sector: Int) -> Bool {
      mix64(salt ^ UInt64(node) << 32 ^ UInt64(sector)) & 7 < keepsOf8
    }
    for change in pendingNames {
      // What a file system loses is a tail of its own log, or, on a bad one, anything.
      if random.chance(1, in: 2) { apply(change) } else { counts[.unsyncedNameLost] += 1 }
    }
    pendingNames = []
    directories = durableDirectories
    nodes = durableNodes.filter { directories.contains(Self.parent(of: $0.key)) }
    durableNodes = nodes
    for path in nodes.keys.sorted() {
      let node = nodes[path]!
      let dirty = Set(node.physical.dirty)
      let kept = dirty.count { keeps(node.number, $0) }
      if dirty.count > 0 {
        if kept == 0 { counts[.unsyncedWriteLost] += 1 }
        else if kept == dirty.count { counts[.unsyncedWriteKept] += 1 }
        else { counts[.tornWrite] += 1 }
      }
      node.each { image in image.losePower { keeps(node.number, $0) } }
    }
  }

  /// Flips one bit somewhere that is on the platter, but for the last block that nothing behind it names durable:
  /// damage to exactly that block cannot be told from a torn write. Nothing when there is no such place.
  package func flipBit() {
    let candidates = nodes.keys.sorted().filter { nodes[$0]!.physical.durable.buffer.count >= 512 && $0 != "lock" }
    guard let path = candidates.randomElement(using: &random), let node = nodes[path],
      let sector = damageableSector(of: node, path: path), node.physical.durable.buffer.count == node.physical.current.buffer.count
    else { return }
    _ = node.fork()
    node.physical.flip(bit: sector * 4096 + Int.random(in: 0..<4096, using: &random))
    note(.bitFlip)
  }

  /// A random sector of a file, where blocks are more often than not; none of the last block.
  private func damageableSector(of node: DiskNode, path: String) -> Int? {
    let bytes = node.physical.durable.buffer
    guard bytes.count >= 512 else { return nil }
    let last = lastBlock(of: Self.parent(of: path))
    let used = (blocks(in: bytes).last?.range.upperBound ?? 512) / 512
    let end = random.chance(4, in: 5) ? min(used, bytes.count / 512) : bytes.count / 512
    let sector = Int.random(in: 0..<max(1, end), using: &random)
    if let last, last.node === node, last.range.contains(sector * 512) { return nil }
    return sector
  }

  /// The newest block of a shard that has records, if nothing behind it names it durable.
  private func lastBlock(of directory: String) -> (node: DiskNode, range: Range<Int>)? {
    var newest: (number: UInt64, hasRecords: Bool, node: DiskNode, range: Range<Int>)?
    for (path, node) in nodes where Self.parent(of: path) == directory {
      for block in blocks(in: node.physical.durable.buffer) where block.number >= newest?.number ?? 0 {
        newest = (block.number, block.hasRecords, node, block.range)
      }
    }
    return newest.flatMap { $0.hasRecords ? ($0.node, $0.range) : nil }
  }

  /// What looks like a block of the journal: see `BlockHeader` for the offsets.
  private func blocks(
    in bytes: UnsafeMutableRawBufferPointer
  ) -> [(number: UInt64, hasRecords: Bool, range: Range<Int>)] {
    stride(from: 0, to: bytes.count & -512, by: 512).compactMap { offset in
      guard bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self) == 0xFE0A_0D41_4E41_4DFF else { return nil }
      let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 72, as: UInt32.self))
      let records = bytes.loadUnaligned(fromByteOffset: offset + 76, as: UInt32.self)
      let number = bytes.loadUnaligned(fromByteOffset: offset + 56, as: UInt64.self)
      return (number, records > 0, offset..<offset + max(512, (length + 511) & -512))
    }
  }

  /// Whether some file differs from what an honest device would have.
  package var isForked: Bool { nodes.values.contains { $0.isForked } }

  /// The start has taken what is there, and everything acknowledged is in it: from here on that is the truth. False
  /// when something that the device said to be on the platter is in its cache still, and may yet be lost.
  package func acceptAsHonest() -> Bool {
    let isPending = nodes.values.contains { node in
      guard let honest = node.honest else { return false }
      return !Set(node.physical.dirty).subtracting(honest.dirty).isEmpty
        || node.physical.durable.buffer.count != honest.durable.buffer.count
    }
    if isPending { return false }
    for node in nodes.values { node.honest = nil }
    silentFault = nil
    return true
  }

  /// What an honest disk would have: the backup that repairs this one.
  package func honestCopy() -> SimulatedDisk {
    let copy = SimulatedDisk(seed: random.next())
    copy.nodes = nodes.mapValues { $0.copyOfHonest() }
    copy.durableNodes = copy.nodes
    copy.directories = directories
    copy.durableDirectories = directories
    copy.nodeCount = nodeCount
    return copy
  }
}
