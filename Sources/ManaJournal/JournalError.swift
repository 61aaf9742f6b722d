public import SystemPackage

/// Why a data directory or a journal cannot be opened. Nothing on the disk was changed when one of these is thrown,
/// except that `system` can also end the cutting of a torn tail half-way; the next start finishes it.
public enum JournalError: Error, Equatable, Sendable {
  /// The directory holds something else: `file` is not ours, and no identity file says that the rest is.
  case notADataDirectory(directory: String, file: String)
  /// Where a tool looks for a ledger is none.
  case noLedger(directory: String)
  /// Where a copy is to be made there is something already.
  case targetNotEmpty(directory: String)
  /// The identity file's bytes are not what was written.
  case identityDamaged(file: String, reason: String)
  /// The identity file is of a format that this program does not know.
  case unsupportedVersion(file: String, found: UInt32, supported: UInt32)
  /// Another server has the directory; its process id where its lock file says so.
  case locked(directory: String, processID: Int32?)
  /// The file system cannot promise that what is synced stays.
  case unsuitableFileSystem(directory: String, name: String)
  /// The ledger was made with another number of shards; that number is fixed for its life.
  case shardCountDiffers(directory: String, existing: Int, asked: Int)
  /// A number to make a ledger with that cannot be.
  case invalidOption(reason: String)
  /// A shard's directory of an existing ledger is gone.
  case shardMissing(directory: String)
  /// Acknowledged blocks are unreadable or missing.
  case damaged(JournalDamage)
  /// The journal is whole, but executing it again gave another state than the one recorded in it.
  case digestMismatch(file: String, block: UInt64, byte: Int, recorded: UInt64, computed: UInt64)
  /// A block is of the last epoch there is, 2^32 - 1, so that no start can begin a later one.
  case epochsExhausted(directory: String)
  /// What the disk gives back of a checkpoint is not what was written. The journal is not concerned.
  case checkpointNotWritten(file: String, reason: String)
  /// The caller's `replay` found a block that it cannot execute. For `replay` to throw.
  case replayRefused(block: UInt64, reason: String)
  /// The operating system refused something: `operation` is what was tried, `file` on what.
  case system(operation: String, file: String, code: Errno)
}

/// The first place of a journal that cannot be read although it was acknowledged.
public struct JournalDamage: Equatable, Sendable {
  /// The path of the segment file.
  public let file: String
  /// The number of the block that should be there.
  public let block: UInt64
  /// Where in the file it should begin, in bytes.
  public let byte: Int
  /// What is wrong there, and how it is known that the block had been acknowledged: two clauses.
  public let reason: String

  public init(file: String, block: UInt64, byte: Int, reason: String) {
    self.file = file
    self.block = block
    self.byte = byte
    self.reason = reason
  }
}

extension JournalError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notADataDirectory(let directory, let file):
      return "\(directory) is not a data directory: it holds \(file) but no identity file `ledger`. Name an empty "
        + "or absent directory to make a ledger, or restore the whole directory from a copy."
    case .noLedger(let directory):
      return "There is no ledger in \(directory): it has no identity file `ledger`. Name a server's data directory."
    case .targetNotEmpty(let directory):
      return "\(directory) is not empty. Name a directory that is empty or absent; nothing was changed."
    case .identityDamaged(let file, let reason):
      return "The identity file \(file) is damaged: \(reason). Restore it from a copy; nothing was changed."
    case .unsupportedVersion(let file, let found, let supported):
      return "\(file) has format version \(found); this program knows version \(supported). Nothing was changed."
    case .locked(let directory, let processID):
      let holder = processID.map { "process \($0)" } ?? "another process"
      return "\(directory) is in use by \(holder). One data directory has one server."
    case .unsuitableFileSystem(let directory, let name):
      return "\(directory) is on \(name), which does not keep what it says it keeps. Name a directory on a local disk."
    case .shardCountDiffers(let directory, let existing, let asked):
      return "\(directory) was made with \(existing) shards and cannot be opened with \(asked): an account's shard "
        + "follows from that number for the life of the ledger."
    case .invalidOption(let reason):
      return reason
    case .shardMissing(let directory):
      return "The directory \(directory) of an existing ledger is missing. Restore it from a copy; nothing was changed."
    case .damaged(let damage):
      return "Acknowledged transactions cannot be read: segment \(damage.file), block \(damage.block), byte "
        + "\(damage.byte): \(damage.reason). Restore the data directory from a copy; nothing was changed. "
        + "`mana-server verify` reads on in the other shards, `mana-server salvage` says what giving up the rest of "
        + "this one would lose."
    case .digestMismatch(let file, let block, let byte, let recorded, let computed):
      return "Executing the journal again gave another state: segment \(file), block \(block), byte \(byte): digest "
        + "\(computed.hexadecimal) where \(recorded.hexadecimal) is recorded. This program and the one that wrote "
        + "the block disagree, or memory failed; nothing was changed."
    case .epochsExhausted(let directory):
      return "A block in \(directory) says that it was written after 4294967295 starts, the most that can be counted. "
        + "No server starts that often: the block is forged, or memory failed. Restore the data directory from a copy; "
        + "nothing was changed."
    case .checkpointNotWritten(let file, let reason):
      return "The checkpoint \(file) is not what was written: \(reason). The journal is not concerned; check the disk."
    case .replayRefused(let block, let reason):
      return "Block \(block) cannot be executed again: \(reason). Nothing was changed."
    case .system(let operation, let file, let code):
      return "Cannot \(operation) \(file): \(code)."
    }
  }
}

extension UInt64 {
  var hexadecimal: String { "0x" + String(self, radix: 16) }
}

extension JournalError {
  /// Performs one operation of a storage; its error gets a name and a file.
  static func naming<Result>(
    _ operation: String, _ file: @autoclosure () -> String, _ body: () throws(Errno) -> Result
  ) throws(JournalError) -> Result {
    do {
      return try body()
    } catch {
      throw .system(operation: operation, file: file(), code: error)
    }
  }
}

/// A write or a sync that failed while the journal was running.
public struct JournalFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, a verb: "write", "sync", …
  public let operation: String
  /// The path of the file.
  public let file: String
  /// What the operating system said.
  public let code: Errno

  public var description: String {
    "mana: cannot \(operation) \(file): \(code). Nothing was confirmed that is not on the disk. Check the disk and the "
      + "kernel's log, then start again: the journal is read back and what is in doubt is cut."
  }

  /// What happens by default: the line above on standard error, then the end of the process with status 74. After a
  /// failed sync the kernel may call the same pages clean, so there is nothing to retry and nothing to believe.
  public static let endProcess: @Sendable (JournalFailure) -> Void = { failure in
    System.endProcess(saying: failure.description)
  }

  /// The same end for who has said the line in a log of its own.
  public static func endProcessSilently() -> Never { System.endProcess(saying: nil) }
}
