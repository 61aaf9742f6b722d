import ManaEventLoop
import Synchronization

/// A record of who did what, for those who have to answer for it: lines of JSON, each with the hash of the one before,
/// written by a thread of its own.
///
/// **When it cannot keep up**, because its disk is slow, full or broken, its queue fills. Then entries about refusals are
/// counted instead of kept, and the count is written later: nothing was done for those callers. What makes Mana has to
/// find its place first, and is refused where there is none. So nobody can hide a credit behind a flood of refusals, and
/// no credit goes unrecorded while the server runs.
///
/// Lines reach the system at once and the disk when a file is full or the server ends: a power cut may take the last
/// seconds of an audit log, never of the ledger, whose journal has each credit too.
public final class AuditLog: Sendable {
  public struct Options: Sendable {
    public var path: String
    /// A file that would become larger is put aside, and a new one begun.
    public var bytesMax = 64 << 20
    /// How many files that were put aside are kept.
    public var filesKept = 10

    public init(path: String) { self.path = path }

    /// The name of a file that was put aside; 1 is the newest.
    func rotated(_ number: Int) -> String { "\(path).\(number)" }
  }

  /// Entries that wait to be written.
  static let queueCapacity = 8_192

  private let queue: AuditQueue
  private let thread: Mutex<LoopThread?>

  /// Opens the log, continues its chain, and starts the thread.
  ///
  /// - Parameter onTrouble: Told in words, once a failure, when it cannot be written; on the log's thread.
  public convenience init(
    _ options: Options, onTrouble: @escaping @Sendable (String) -> Void
  ) throws(AuditError) {
    try self.init(options, queueCapacity: Self.queueCapacity, onTrouble: onTrouble)
  }

  init(
    _ options: Options, queueCapacity: Int, onTrouble: @escaping @Sendable (String) -> Void
  ) throws(AuditError) {
    let queue = AuditQueue(capacity: queueCapacity)
    var files = try AuditFiles(options)
    let (chain, cutBytes) = try files.recover()
    if cutBytes > 0 {
      queue.put(
        AuditEntry(
          .tornLineRemoved, time: wallClockNanoseconds(), details: [("bytes", .number(UInt64(cutBytes)))]))
    }
    let writer = AuditWriter(queue: queue, files: files, chain: chain, onTrouble: onTrouble)
    self.queue = queue
    do throws(EventLoopError) {
      thread = Mutex(try LoopThread(name: "mana-audit") { writer.run() })
    } catch {
      throw .file(path: options.path, problem: error.description)
    }
  }

  /// Asks for the place of an entry about something that must not happen unrecorded. False: it must not happen.
  public func reserve() -> Bool { queue.reserve() }
  /// Gives a place back: it did not happen.
  public func release() { queue.release() }
  /// Records what a place was asked for.
  public func fill(_ entry: AuditEntry) { queue.fill(entry) }
  /// Records what the server itself did.
  public func put(_ entry: AuditEntry) { queue.put(entry) }
  /// Records that somebody was refused, or counts it.
  public func offer(_ entry: AuditEntry) { queue.offer(entry) }

  /// Writes what waits, and ends the thread. Nothing is recorded afterwards.
  public func stop() {
    guard let thread = thread.withLock({ $0.take() }) else { return }
    queue.stop()
    thread.join()
  }

  deinit { stop() }
}

/// The thread's side of an audit log.
private final class AuditWriter {
  private let queue: AuditQueue
  private var files: AuditFiles
  private var chain: AuditChain
  private let onTrouble: @Sendable (String) -> Void
  private var isInTrouble = false

  init(queue: AuditQueue, files: AuditFiles, chain: AuditChain, onTrouble: @escaping @Sendable (String) -> Void) {
    self.queue = queue
    self.files = files
    self.chain = chain
    self.onTrouble = onTrouble
  }

  func run() {
    defer { files.close() }
    while let (entries, dropped) = queue.next() {
      do throws(AuditError) {
        try write(entries)
        if dropped > 0 { try write(dropped: dropped) }
        isInTrouble = false
      } catch {
        if !isInTrouble { onTrouble(error.description) }
        isInTrouble = true
        guard queue.waitToRetry() else {
          // The end has come, and so has the last attempt.
          return onTrouble("\(entries.count) entries could not be written before the end")
        }
      }
    }
    do throws(AuditError) { try files.sync() } catch { onTrouble(error.description) }
  }

  private func write(_ entries: [AuditEntry]) throws(AuditError) {
    var next = 0
    while next < entries.count {
      var ahead = chain
      var lines: [UInt8] = []
      var count = 0
      while next + count < entries.count {
        var tentative = ahead
        let line = tentative.append(entries[next + count])
        guard !files.isFull(behind: lines.count, for: line.count) else { break }
        ahead = tentative
        lines += line
        count += 1
      }
      guard count > 0 else {
        try files.rotate()
        continue
      }
      try files.write(lines)
      chain = ahead
      next += count
      queue.written(count, dropped: 0)
    }
  }

  private func write(dropped: UInt64) throws(AuditError) {
    var ahead = chain
    let entry = AuditEntry(.entriesDropped, time: wallClockNanoseconds(), details: [("entries", .number(dropped))])
    try files.write(ahead.append(entry))
    chain = ahead
    queue.written(0, dropped: dropped)
  }
}
