public import Logging
import ManaAccess
public import ManaAudit
public import ManaEventLoop
import ManaJournal
public import SystemPackage

/// What a server is started with.
public struct ServerConfiguration: Sendable {
  /// Where the journal lives; created when it is absent.
  public var dataDirectory: FilePath
  /// Where callers connect; port 0 picks a free one.
  public var listen: ListenAddress
  /// Sockets that listen already and take the place of `listen`; empty for none. The server owns them.
  public var inheritedSockets: [InheritedSocket] = []
  /// The same for `metrics`.
  public var inheritedMetricsSocket: InheritedSocket?
  /// What callers' connections are encrypted with; nil leaves them in the clear.
  public var tls: TLSContext.Files?
  /// Where metrics and health are answered over HTTP; nil for nowhere.
  public var metrics: ListenAddress?
  /// Number of shards, fixed when the data directory is created; nil takes the directory's, or 1 for a new one.
  public var shards: Int?
  /// Size of a journal segment in bytes, fixed when the data directory is created; nil takes the default.
  public var segmentBytes: Int?
  /// Memory for journal segments, in bytes, of which each shard has an equal share: older ones are read from the disk when
  /// they are needed. The segment that is written to stays, whatever this is. Nil keeps all.
  public var residentBytesMax: Int?
  /// Bytes of a shard's journal between two checkpoints, at least; a start executes about so many again. 0: none is made,
  /// and none is begun with.
  public var checkpointBytes = JournalLimits.checkpointBytesDefault
  /// Most bytes of memory that connections hold together for half-sent frames and for replies that nobody reads; each
  /// shard has an equal share. Past it those that hold the most are closed.
  public var connectionMemoryBytes = 512 << 20
  /// Most connections at a time, over all shards, those included that have not shaken hands yet.
  public var connectionsMax = 10_000
  /// Most connections of one identity: of everybody who is known by the same credential's name or, where nobody needs a
  /// credential, at the same address. Nil for no limit.
  public var connectionsPerIdentityMax: Int?
  /// Most transactions and reads a second of one identity; nil for no limit.
  public var ratePerIdentityMax: Int?
  /// How long a connection may go without a request before it is ended, in seconds; nil for any time.
  public var idleSeconds: Int?
  /// Who is let in; nil takes the file `credentials` of the data directory, and without one lets everybody in.
  public var credentialsFile: FilePath?
  /// Where is recorded who was refused, and who made Mana; nil for nowhere.
  public var audit: AuditLog.Options?
  /// Listens beyond this machine although callers are not known or what they send can be read on the way.
  public var allowInsecureListening = false
  /// Accepts file systems on which a sync does not reach a disk. For experiments only.
  public var allowUnsuitableFileSystem = false
  /// Nanoseconds since 1970. A test can put its own clock here.
  public var clock: @Sendable () -> UInt64 = wallClockNanoseconds
  public var logger: Logger
  /// Told what happens to the server, on any of its threads.
  public var observe: (@Sendable (ServerEvent) -> Void)?

  public init(dataDirectory: FilePath, listen: ListenAddress, shards: Int? = nil, logger: Logger) {
    self.dataDirectory = dataDirectory
    self.listen = listen
    self.shards = shards
    self.logger = logger
  }

  /// The part of `connectionMemoryBytes` that one of `shardCount` shards has.
  func connectionMemoryShare(shardCount: Int) -> Int {
    max(connectionMemoryBytes / max(shardCount, 1), ServerLimits.connectionMemoryBytesMin)
  }

  /// What a data directory that does not exist yet is made with.
  var creation: CreationOptions {
    CreationOptions(shardCount: shards, segmentBytes: segmentBytes ?? JournalLimits.segmentBytesDefault)
  }
}

extension ServerConfiguration {
  /// Where callers connect.
  var addresses: [ListenAddress] { inheritedSockets.isEmpty ? [listen] : inheritedSockets.map(\.address) }

  /// Whether callers from other machines speak TLS.
  var isEncrypted: Bool { tls != nil }

  /// Reads the credentials. Refuses to listen beyond this machine without them or without TLS, unless that was allowed.
  func checkedAccess() throws(ServerError) -> CredentialStore {
    let path = credentialsFile ?? dataDirectory.appending(CredentialsFile.nameInDataDirectory)
    let store: CredentialStore
    do throws(CredentialsError) {
      store = try CredentialStore(CredentialsFile(path: path.string), required: credentialsFile != nil)
    } catch {
      throw .credentials(error.description)
    }
    let exposed = addresses.first { !$0.isOnThisMachine }
    if let exposed, !allowInsecureListening, store.current == nil || !isEncrypted {
      throw .insecureListening(exposed, needsCredentials: store.current == nil, needsEncryption: !isEncrypted)
    }
    return store
  }

  /// Asks the system for as many descriptors as connections may take; says so where it does not give them.
  func prepareDescriptors() {
    let wanted = connectionsMax + ServerLimits.descriptorsBesideConnections
    let granted = allowOpenFiles(wanted)
    guard granted < wanted else { return }
    logger.warning(
      "the system allows too few open files for all connections; those beyond are turned away",
      metadata: ["allowed": "\(granted)", "wanted": "\(wanted)"])
  }

  /// Reads how much callers have credited today.
  func openedCreditUsage() throws(ServerError) -> CreditUsage {
    do throws(CredentialsError) {
      return try CreditUsage(path: dataDirectory.appending(CreditUsage.nameInDataDirectory).string)
    } catch {
      throw .credentials(error.description)
    }
  }
}
