import SystemPackage

/// Makes a ledger: the identity under a temporary name, then each shard's directory with its first segment, then the
/// identity's own name. A crash at any point leaves either nothing that counts or all of it.
///
/// The first segments are made here and not when they are first opened, so that a shard without one is known to have
/// lost it.
struct LedgerCreation {
  let storage: any Storage

  func make(_ options: CreationOptions, random: () -> UInt64) throws(JournalError) -> LedgerIdentity {
    let shardCount = options.shardCount ?? 1
    if let reason = CreationOptions.fault(shardCount: shardCount, segmentBytes: options.segmentBytes) {
      throw .invalidOption(reason: reason)
    }
    // Never zero, which a client sends when it expects any ledger.
    let identity = LedgerIdentity(
      ledgerID: UInt128(random()) << 64 | UInt128(random() | 1), shardCount: shardCount,
      segmentBytes: options.segmentBytes, shardHashSeed: random())
    let wasInterrupted = try removeLeftovers()
    try writeTemporary(identity, again: wasInterrupted)
    let zeros = try SegmentFile.zeros(for: identity.segmentBytes)
    for shard in 0..<shardCount { try makeShard(shard, segmentBytes: identity.segmentBytes, zeros: zeros) }
    try nameTemporary()
    return identity
  }

  /// Makes a ledger of what is there: all its shards, complete.
  func publish(_ identity: LedgerIdentity) throws(JournalError) {
    try writeTemporary(identity)
    try nameTemporary()
  }

  private func nameTemporary() throws(JournalError) {
    try syncDirectory("")
    try perform("rename", LedgerIdentity.temporaryName) { () throws(Errno) in
      try storage.rename(LedgerIdentity.temporaryName, to: LedgerIdentity.fileName)
    }
    try syncDirectory("")
  }

  /// Removes the first segments that an interrupted creation left. Anything else stays and is an error: it was not made
  /// here. True when it left a temporary identity, too.
  private func removeLeftovers() throws(JournalError) -> Bool {
    let names = try perform("list", "") { () throws(Errno) in try storage.names(in: "") }
    for name in names where name.hasPrefix("shard-") {
      let files = try perform("list", name) { () throws(Errno) in try storage.names(in: name) }
      for file in files {
        guard Segment.number(in: file) == 0 || file.hasSuffix(Segment.temporarySuffix) else {
          throw .notADataDirectory(directory: storage.describe(""), file: "\(name)/\(file)")
        }
      }
      for file in files {
        try perform("remove", "\(name)/\(file)") { () throws(Errno) in try storage.remove("\(name)/\(file)") }
      }
    }
    // The temporary identity stays, and is written again: while it is there, the rest is known to be unused.
    for name in names where name.hasPrefix("shard-") { try syncDirectory(name) }
    return names.contains(LedgerIdentity.temporaryName)
  }

  private func writeTemporary(_ identity: LedgerIdentity, again: Bool = false) throws(JournalError) {
    let memory = try SegmentMemory(bytes: JournalLimits.pageBytes)
    let bytes = UnsafeMutableRawBufferPointer(start: memory.base, count: LedgerIdentity.fileBytes)
    identity.encode(into: bytes)
    let name = LedgerIdentity.temporaryName
    let file = try perform(again ? "open" : "create", name) { () throws(Errno) in
      try again ? storage.open(name) : storage.create(name)
    }
    do {
      try file.write(UnsafeRawBufferPointer(bytes), at: 0)
    } catch .invalidArgument {
      throw .unsuitableFileSystem(
        directory: storage.describe(""), name: "a device or file system without direct writes of 512 bytes")
    } catch {
      throw .system(operation: "write", file: storage.describe(name), code: error)
    }
    try perform("sync", name) { () throws(Errno) in try file.sync() }
    try syncDirectory("")
  }

  private func makeShard(
    _ shard: Int, segmentBytes: Int, zeros: borrowing SegmentMemory
  ) throws(JournalError) {
    let directory = Segment.directory(shard: shard)
    do {
      try storage.makeDirectory(directory)
    } catch .fileExists {
      // Left by an interrupted creation, and emptied above.
    } catch {
      throw .system(operation: "create", file: storage.describe(directory), code: error)
    }
    let path = Segment.path(shard: shard, segment: 0)
    _ = try SegmentFile.make(path, bytes: segmentBytes, zeros: zeros, in: storage)
  }

  private func syncDirectory(_ path: String) throws(JournalError) {
    try perform("sync the directory", path) { () throws(Errno) in try storage.syncDirectory(path) }
  }

  private func perform<Result>(
    _ operation: String, _ path: String, _ body: () throws(Errno) -> Result
  ) throws(JournalError) -> Result {
    try JournalError.naming(operation, storage.describe(path), body)
  }
}
