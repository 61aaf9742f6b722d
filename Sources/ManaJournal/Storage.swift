// The seam between the journal and a disk. `DiskStorage` is the disk; the tests and the simulation
// bring one that forgets, tears, lies and fails.
//
// Paths are relative to the data directory, with `/` between their parts; the empty path is the directory itself.

package import SystemPackage

/// A data directory's files, as the journal needs them. Nothing written is durable before `StorageFile.sync`, no name
/// before `syncDirectory`.
package protocol Storage: Sendable {
  /// How a path reads in a message to the operator.
  func describe(_ path: String) -> String
  /// The names in a directory, sorted; `Errno.noSuchFileOrDirectory` when it does not exist.
  func names(in directory: String) throws(Errno) -> [String]
  func makeDirectory(_ path: String) throws(Errno)
  func syncDirectory(_ path: String) throws(Errno)
  func open(_ path: String) throws(Errno) -> any StorageFile
  /// Makes a file that must not exist yet.
  func create(_ path: String) throws(Errno) -> any StorageFile
  func rename(_ source: String, to target: String) throws(Errno)
  /// Gives a file a second name.
  func link(_ source: String, to target: String) throws(Errno)
  func remove(_ path: String) throws(Errno)
  /// Takes the directory for this process until the result is released, or says who has it.
  func lock(_ path: String) throws(Errno) -> LockOutcome
  /// Keeps servers away until the result is released, and changes nothing; others may do the same.
  func lockForReading(_ path: String) throws(Errno) -> LockOutcome
  /// The name of a file system that cannot keep a ledger's promise, or nil.
  func unsuitableFileSystem() throws(Errno) -> String?
}

/// One file. Reads, writes and offsets are in whole sectors (`JournalLimits.blockAlignment`) of aligned memory, past
/// the page cache. Closed when the last reference goes.
package protocol StorageFile: AnyObject, Sendable {
  func size() throws(Errno) -> Int
  /// Takes room for the first `bytes`, which read as zeros until they are written, or throws `Errno.noSpace`. False,
  /// and nothing is done, where a file system can only be written to.
  func reserve(bytes: Int) throws(Errno) -> Bool
  /// Fills the buffer; a file that ends before is `Errno.noData`.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno)
  /// Writes the whole buffer; not durable yet.
  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno)
  /// Everything written so far is durable when this returns.
  func sync() throws(Errno)
  /// The first `bytes` as memory to read, which need not be the process's own.
  func view(bytes: Int) throws(Errno) -> SegmentMemory
}

extension Storage {
  func lockForReading(_ path: String) throws(Errno) -> LockOutcome { try lock(path) }
}

extension Storage {
  /// The names in a shard's directory, sorted. Throws `shardMissing` where it does not exist, `system`.
  func names(ofShard directory: String) throws(JournalError) -> [String] {
    do {
      return try names(in: directory)
    } catch .noSuchFileOrDirectory {
      throw .shardMissing(directory: describe(directory))
    } catch {
      throw .system(operation: "list", file: describe(directory), code: error)
    }
  }
}

extension StorageFile {
  package func view(bytes: Int) throws(Errno) -> SegmentMemory {
    let memory = SegmentMemory(owning: try System.map(bytes: bytes, alignment: 1, populated: 0), bytes: bytes)
    try read(into: UnsafeMutableRawBufferPointer(start: memory.base, count: bytes), at: 0)
    return memory
  }
}

package enum LockOutcome {
  /// Ours while the object lives.
  case acquired(any Sendable & AnyObject)
  /// Another server's; its process id where the file says so.
  case held(by: Int32?)
}
