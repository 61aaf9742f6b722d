public import SystemPackage

/// The files of an existing ledger, for the tools: looked at, and changed only by what says so.
public final class LedgerFiles: Sendable {
  /// What has to be kept away meanwhile.
  public enum Access: Sendable {
    /// Servers; several tools may look at once. Nothing is written, not even the lock file.
    case withoutServer
    /// Everyone: the files are going to be changed.
    case alone
    /// Nobody: a server may be running. Its newest block may be seen half written.
    case besideServer
  }

  public let identity: LedgerIdentity
  let storage: any Storage
  private let lock: (any Sendable & AnyObject)?

  /// Opens the ledger at `path`.
  ///
  /// - Throws: `noLedger` where nothing, or something else, is there; `locked` when a server is running and must not;
  ///   `identityDamaged`, `unsupportedVersion`, `system`.
  public static func open(at path: FilePath, _ access: Access) throws(JournalError) -> LedgerFiles {
    let unsuitable: String?
    do {
      unsuitable = try DiskStorage(root: path).unsuitableFileSystem()
    } catch .noSuchFileOrDirectory {
      throw .noLedger(directory: path.string)
    } catch {
      throw .system(operation: "examine", file: path.string, code: error)
    }
    // Past the page cache where that is possible: it may show bytes that the disk does not have.
    let storage = DiskStorage(root: path, isDirect: unsuitable == nil, isReadOnly: access != .alone)
    return try LedgerFiles(storage: storage, access)
  }

  /// The files of a ledger that this process has open: what it writes meanwhile may be seen half written.
  package convenience init(of directory: DataDirectory) throws(JournalError) {
    try self.init(storage: directory.storage, .besideServer)
  }

  init(storage: any Storage, _ access: Access) throws(JournalError) {
    self.storage = storage
    let name = storage.describe("")
    let names: [String]
    do {
      names = try storage.names(in: "")
    } catch .noSuchFileOrDirectory, .notDirectory {
      throw .noLedger(directory: name)
    } catch {
      throw .system(operation: "list", file: name, code: error)
    }
    guard names.contains(LedgerIdentity.fileName) else { throw .noLedger(directory: name) }
    lock = try Self.takeLock(in: storage, access)
    identity = try DataDirectory.readIdentity(in: storage)
  }

  private static func takeLock(
    in storage: any Storage, _ access: Access
  ) throws(JournalError) -> (any Sendable & AnyObject)? {
    if access == .besideServer { return nil }
    let path = DataDirectory.LockFile.name
    let outcome = try JournalError.naming("lock", storage.describe(path)) { () throws(Errno) in
      try access == .alone ? storage.lock(path) : storage.lockForReading(path)
    }
    switch outcome {
    case .acquired(let lock): return lock
    case .held(let processID): throw .locked(directory: storage.describe(""), processID: processID)
    }
  }

  /// How a path below the directory reads in a message.
  public var directory: String { storage.describe("") }

  func journal(shard: Int) -> JournalIdentity { identity.journal(shard: shard) }

  /// Bytes of all segments that are there: what there is to read.
  public func segmentBytesTotal() throws(JournalError) -> Int {
    var segments = 0
    for shard in 0..<identity.shardCount {
      do {
        segments += try JournalReader(storage: storage, journal: journal(shard: shard)).listSegments().numbers.count
      } catch .shardMissing {
        // Its inspection says so.
      }
    }
    return segments * identity.segmentBytes
  }
}
