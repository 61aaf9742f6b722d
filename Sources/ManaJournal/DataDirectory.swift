// A data directory:
//
//   ledger              the identity (`LedgerIdentity.swift`)
//   lock                locked by the server that has the directory; its process id inside
//   credentials         who is let in, where the operator keeps it here; with its `.lock` and `.temporary`
//   shard-000/ …        one directory a shard: its segments (`Segment.swift`) and checkpoints (`CheckpointHead.swift`)
//   ledger.temporary    only while a ledger is being made: without `ledger` it says that what else is here was never
//                       in use and may be made again

public import SystemPackage

/// A ledger's place on a disk, locked for this process while this object or a journal from it lives.
public final class DataDirectory: Sendable {
  public let identity: LedgerIdentity
  let storage: any Storage
  private let lock: any Sendable & AnyObject

  /// Opens the data directory at `path`, or makes a ledger there when nothing or an empty directory is there.
  ///
  /// - Parameter allowUnsuitableFileSystem: also where what is synced may be lost, such as tmpfs or a network; and
  ///   through the page cache where direct input and output is not to be had.
  public static func open(
    at path: FilePath, creatingWith options: CreationOptions = CreationOptions(),
    allowUnsuitableFileSystem: Bool = false
  ) throws(JournalError) -> DataDirectory {
    try makeRoot(path)
    let storage = DiskStorage(root: path)
    let unsuitable = try JournalError.naming("examine", path.string) { () throws(Errno) in
      try storage.unsuitableFileSystem()
    }
    if let name = unsuitable, !allowUnsuitableFileSystem {
      throw .unsuitableFileSystem(directory: path.string, name: name)
    }
    return try DataDirectory(
      storage: DiskStorage(root: path, isDirect: unsuitable == nil), creatingWith: options)
  }

  static func makeRoot(_ path: FilePath) throws(JournalError) {
    do {
      try System.makeDirectory(path.string)
    } catch .fileExists {
      return
    } catch {
      throw .system(operation: "create", file: path.string, code: error)
    }
    let parent = path.removingLastComponent()
    let name = parent.isEmpty ? "." : parent.string
    try JournalError.naming("sync the directory", name) { () throws(Errno) in
      try DiskStorage.syncDirectory(at: name)
    }
  }

  /// The same on any storage, for the tests and the simulation. `random` is where a new ledger's id and hash seed come
  /// from.
  package init(
    storage: any Storage, creatingWith options: CreationOptions,
    random: () -> UInt64 = { UInt64.random(in: .min ... .max) }
  ) throws(JournalError) {
    self.storage = storage
    let names = try JournalError.naming("list", storage.describe("")) { () throws(Errno) in
      try storage.names(in: "")
    }
    // Before the lock is made: a directory that is not ours stays as it is.
    if !names.contains(LedgerIdentity.fileName) { try Self.checkUnused(names, in: storage) }
    lock = try Self.takeLock(in: storage)
    // Again, now that nobody else can be making it.
    let creator = LedgerCreation(storage: storage)
    let exists = try JournalError.naming("list", storage.describe("")) { () throws(Errno) in
      try storage.names(in: "").contains(LedgerIdentity.fileName)
    }
    identity = try exists ? Self.readIdentity(in: storage) : creator.make(options, random: random)
    if exists {
      // Its name may not be durable: whoever made the ledger can have ended before its sync, or that failed.
      try JournalError.naming("sync the directory", storage.describe("")) { () throws(Errno) in
        try storage.syncDirectory("")
      }
    }
    if let asked = options.shardCount, asked != identity.shardCount {
      throw .shardCountDiffers(directory: storage.describe(""), existing: identity.shardCount, asked: asked)
    }
  }

  /// A directory without an identity may hold what a crash leaves of one in the making, nothing else.
  private static func checkUnused(_ names: [String], in storage: any Storage) throws(JournalError) {
    let isInMaking = names.contains(LedgerIdentity.temporaryName)
    // Tokens can be made before the first start.
    let neighbours: Set = ["lost+found", "credentials", "credentials.lock", "credentials.temporary"]
    for name in names where name != LockFile.name && name != LedgerIdentity.temporaryName && !neighbours.contains(name)
    {
      guard isInMaking, name.hasPrefix("shard-") else {
        throw .notADataDirectory(directory: storage.describe(""), file: name)
      }
    }
  }

  enum LockFile {
    static let name = "lock"
  }

  private static func takeLock(in storage: any Storage) throws(JournalError) -> any Sendable & AnyObject {
    let outcome = try JournalError.naming("lock", storage.describe(LockFile.name)) { () throws(Errno) in
      try storage.lock(LockFile.name)
    }
    switch outcome {
    case .acquired(let lock): return lock
    case .held(let processID): throw .locked(directory: storage.describe(""), processID: processID)
    }
  }

  static func readIdentity(in storage: any Storage) throws(JournalError) -> LedgerIdentity {
    let name = storage.describe(LedgerIdentity.fileName)
    let file = try JournalError.naming("open", name) { () throws(Errno) in try storage.open(LedgerIdentity.fileName) }
    let size = try JournalError.naming("measure", name) { () throws(Errno) in try file.size() }
    guard size == LedgerIdentity.fileBytes else {
      throw .identityDamaged(file: name, reason: "it has \(size) bytes instead of \(LedgerIdentity.fileBytes)")
    }
    let memory = try SegmentMemory(bytes: JournalLimits.pageBytes)
    let bytes = UnsafeMutableRawBufferPointer(start: memory.base, count: size)
    try JournalError.naming("read", name) { () throws(Errno) in try file.read(into: bytes, at: 0) }
    do {
      return try LedgerIdentity(decoding: UnsafeRawBufferPointer(bytes))
    } catch {
      switch error {
      case .damaged(let reason): throw .identityDamaged(file: name, reason: reason)
      case .version(let found):
        throw .unsupportedVersion(file: name, found: found, supported: LedgerIdentity.formatVersion)
      }
    }
  }
}
