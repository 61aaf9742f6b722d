package import ManaJournal
import ManaEventLoop
import ManaLedger
import ManaProtocol

/// A server whose loops, writers and preparers move only when told to, on the calling thread: what a simulation runs.
/// Apart from that it is the server of `Server.run`, shards, mailboxes, journals and all.
///
/// Dropping it is the end of a process that was killed: connections and files are let go, nothing more is written.
package final class SteppedServer {
  /// What the world around a server decides.
  package struct Surroundings: Sendable {
    package var storage: any Storage
    package var random: @Sendable () -> UInt64
    /// Of the hash by which a transaction is found, the bits that count: with few of them different ids share one.
    package var hashBits: UInt64
    /// After how many executed items a turn ends; nil: as a server that is not stepped.
    package var itemsPerTurn: Int?
    /// A journal's write or sync has failed: the process would have ended here. Nothing may be stepped any more.
    package var onFailure: @Sendable (JournalFailure) -> Void
    package var onReady: @Sendable (RecoveryReport) -> Void

    package init(
      storage: any Storage, random: @escaping @Sendable () -> UInt64, hashBits: UInt64 = .max, itemsPerTurn: Int? = nil,
      onFailure: @escaping @Sendable (JournalFailure) -> Void, onReady: @escaping @Sendable (RecoveryReport) -> Void
    ) {
      self.storage = storage
      self.random = random
      self.hashBits = hashBits
      self.itemsPerTurn = itemsPerTurn
      self.onFailure = onFailure
      self.onReady = onReady
    }
  }

  private var shards: [Shard] = []
  private var isRunning: [Bool] = []
  private let identity: LedgerIdentity

  /// Opens the ledger, or makes one, and recovers each shard.
  package init(_ configuration: ServerConfiguration, _ surroundings: Surroundings) throws(ServerError) {
    let directory: DataDirectory
    do throws(JournalError) {
      directory = try DataDirectory(
        storage: surroundings.storage, creatingWith: configuration.creation, random: surroundings.random)
    } catch {
      throw .journal(error)
    }
    identity = directory.identity
    var berths: [Berth] = []
    let share = configuration.connectionMemoryShare(shardCount: identity.shardCount)
    for _ in 0..<identity.shardCount { berths.append(try Berth(bufferBytesMax: share)) }
    let conditions = StartConditions(
      random: surroundings.random, preparedTransactions: 0, preparedAccounts: 0, hashBits: surroundings.hashBits,
      itemsPerTurn: surroundings.itemsPerTurn ?? ServerLimits.itemsPerTurn,
      onJournalFailure: surroundings.onFailure)
    let context = ServerContext(
      configuration: configuration, identity: identity, instance: conditions.newInstance(),
      shards: berths.map(\.address), conditions: conditions)
    for index in berths.indices {
      let coordinator =
        index == 0
        ? Coordinator(shardCount: berths.count) { _, report in surroundings.onReady(report) } : nil
      let shard = try Shard(
        index: index, context: context, loop: berths[index].takeLoop(), directory: directory,
        coordinator: coordinator)
      if index == 0 { try shard.watchSignals() }
      shard.startTicking()
      shards.append(shard)
      isRunning.append(true)
    }
  }

  package var shardCount: Int { shards.count }
  package var isServing: Bool { isRunning.contains(true) }
  package func isRunning(_ shard: Int) -> Bool { isRunning[shard] }

  /// One iteration of a shard's loop.
  package func turn(_ shard: Int) {
    precondition(isRunning[shard], "a loop that has ended is not turned")
    guard !shards[shard].loop.step(delegate: shards[shard]) else { return }
    shards[shard].mailbox.close()
    isRunning[shard] = false
  }

  /// One block of a shard's journal, written and synced; false when none waits.
  package func write(_ shard: Int) -> Bool { shards[shard].journal.stepWriter() }
  package func hasWorkForWriter(_ shard: Int) -> Bool { shards[shard].journal.hasWorkForWriter }

  /// One thing for the spare segments of a shard's journal; false when there was nothing to do or no room.
  package func prepare(_ shard: Int) -> Bool { shards[shard].journal.stepPreparer() }
  package func hasWorkForPreparer(_ shard: Int) -> Bool { shards[shard].journal.hasWorkForPreparer }

  /// One block of a shard's journal, or the beginning of one record, read back; false when none is wanted.
  package func read(_ shard: Int) -> Bool { shards[shard].journal.stepReader() }
  package func hasWorkForReader(_ shard: Int) -> Bool { shards[shard].journal.hasWorkForReader }

  /// Records of which a shard has read the ids alone, because they have the hash of others.
  package func recordStartsRead(_ shard: Int) -> UInt64 { shards[shard].journal.statistics.reads.starts }

  /// A checkpoint of a shard, from the first read to the last rename; false when it could not be made.
  package func checkpoint(_ shard: Int) -> Bool {
    let made = shards[shard].metrics.checkpoints.value
    shards[shard].stepCheckpoint()
    return shards[shard].metrics.checkpoints.value > made
  }

  /// What `mana-server verify` finds on the disk, of segments too that the start did not read: why it is not sound, or nil.
  package func verification() throws(JournalError) -> String? {
    let files = try LedgerFiles(of: shards[0].directory)
    for shard in shards.indices {
      if let damage = try files.verify(shard: shard).firstBadPlace { return "shard \(shard): \(damage)" }
    }
    return nil
  }

  /// How many checkpoints the shards passed over when they started, and how many they began with.
  package var checkpointsPassedOver: Int { shards.reduce(0) { $0 + $1.journal.statistics.recovery.problems.count } }
  package var checkpointsBegunWith: Int {
    shards.reduce(0) { $0 + ($1.journal.statistics.recovery.checkpointBlock > 0 ? 1 : 0) }
  }
  package func hasWorkForCheckpoint(_ shard: Int) -> Bool { shards[shard].isCheckpointDue }

  /// What SIGTERM does.
  package func drain() { shards[0].drain() }

  /// A look into memory past the protocol: where a transaction of an account is.
  package func sequence(of id: UInt128, account: UInt128) -> UInt32? {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: LookupReplyView.bodyBytesMax, alignment: 8)
    defer { scratch.deallocate() }
    let shard = shard(of: account)
    shard.journal.archive?.readsAtOnce = true
    defer { shard.journal.archive?.readsAtOnce = false }
    let found: LookupOutcome
    do throws(AbsentRecord) {
      found = try shard.ledger.lookup(account: account, id: id, into: scratch.baseAddress!, capacity: scratch.count)
    } catch {
      return nil
    }
    guard found.status == .ok else { return nil }
    return TransactionView(scratch.baseAddress! + LookupReplyView.preludeBytes).sequence
  }

  /// How many records of a shard are on the disk, as far as its journal knows: those it was opened with, too.
  package func durableRecords(_ shard: Int) -> UInt64 {
    let statistics = shards[shard].journal.statistics
    return statistics.records + statistics.recovery.records
  }

  /// How many transactions an account has; 0 when it is unknown.
  package func transactionCount(of account: UInt128) -> UInt64 {
    shard(of: account).ledger.overview(of: account)?.transactions ?? 0
  }

  package func checkInvariants() {
    for shard in shards {
      shard.journal.archive?.readsAtOnce = true
      shard.ledger.checkInvariants()
      shard.journal.archive?.readsAtOnce = false
    }
  }

  /// A planted error, for the simulation to find: lets replies go that wait for a block which is not durable.
  package func releaseTooEarly(_ shard: Int) {
    for session in shards[shard].holding { shards[shard].release(session, upTo: .max) }
    shards[shard].holding = []
  }

  private func shard(of account: UInt128) -> Shard {
    shards[ShardMap(shardCount: identity.shardCount, seed: identity.shardHashSeed).shard(of: account)]
  }
}

extension LookupReplyView {
  /// The longest reply of a look-up.
  fileprivate static var bodyBytesMax: Int { bodyBytes(textBytes: 2 * Limits.textBytesMax) }
}
