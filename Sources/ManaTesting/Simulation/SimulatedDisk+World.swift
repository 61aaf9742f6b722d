import ManaProtocol

/// What the world does to a disk: it ends processes, fails the power, damages what is on the platter, restores a copy.
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
        if kept == 0 {
          counts[.unsyncedWriteLost] += 1
        } else if kept == dirty.count {
          counts[.unsyncedWriteKept] += 1
        } else {
          counts[.tornWrite] += 1
        }
      }
      node.each { image in image.losePower { keeps(node.number, $0) } }
    }
  }

  /// Flips one bit somewhere that is on the platter, but for the last block that nothing behind it names durable:
  /// damage to exactly that block cannot be told from a torn write. Nothing when there is no such place.
  package func flipBit() {
    let candidates = nodes.keys.sorted().filter { nodes[$0]!.physical.durable.buffer.count >= 512 && $0 != "lock" }
    guard let path = candidates.randomElement(using: &random), let node = nodes[path],
      let sector = damageableSector(of: node, path: path),
      node.physical.durable.buffer.count == node.physical.current.buffer.count
    else { return }
    _ = node.fork()
    node.physical.flip(bit: sector * 4096 + Int.random(in: 0..<4096, using: &random))
    note(.bitFlip)
  }

  /// A random sector of a file, where blocks are more often than not; none of the last block.
  func damageableSector(of node: DiskNode, path: String) -> Int? {
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
      let magic = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
      guard magic == 0xFE0A_0D41_4E41_4DFF else { return nil }
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
