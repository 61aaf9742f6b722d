public import Logging
public import ManaEventLoop
import ManaJournal
public import SystemPackage

/// What a server is started with.
public struct ServerConfiguration: Sendable {
  /// Where the journal lives; created when it is absent.
  public var dataDirectory: FilePath
  /// Where callers connect; port 0 picks a free one.
  public var listen: ListenAddress
  /// Number of shards, fixed when the data directory is created; nil takes the directory's, or 1 for a new one.
  public var shards: Int?
  /// Size of a journal segment in bytes, fixed when the data directory is created; nil takes the default.
  public var segmentBytes: Int?
  /// Accepts file systems on which a sync does not reach a disk. For experiments only.
  public var allowUnsuitableFileSystem = false
  /// Nanoseconds since 1970. A test can put its own clock here.
  public var clock: @Sendable () -> UInt64 = wallClockNanoseconds
  public var logger: Logger

  public init(dataDirectory: FilePath, listen: ListenAddress, shards: Int? = nil, logger: Logger) {
    self.dataDirectory = dataDirectory
    self.listen = listen
    self.shards = shards
    self.logger = logger
  }

  /// What a data directory that does not exist yet is made with.
  var creation: CreationOptions {
    CreationOptions(shardCount: shards, segmentBytes: segmentBytes ?? JournalLimits.segmentBytesDefault)
  }
}
