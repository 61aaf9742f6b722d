// Cutting a damaged journal where it was whole for the last time. Originals are kept:
//
//   DIR/salvaged-DATE/shard-SSS/…    every file that a cut replaced or took away
//
// At any moment a crash leaves a ledger that is as damaged as it was, or cut: the damaged segment gets a second name
// there before its replacement, whole and synced, takes its own; later segments are moved from the last one on, so that
// what is left still proves that the journal was longer. Running it again finishes it.

import SystemPackage

extension LedgerFiles {
  /// The name of a directory for originals that does not exist yet, after the time in seconds since 1970.
  public func nameForOriginals(at seconds: Int? = nil) throws(JournalError) -> String {
    let stem = "salvaged-" + Self.dateText(seconds ?? System.wallClockSeconds())
    let names = try perform("list", "") { () throws(Errno) in try storage.names(in: "") }
    var name = stem
    var attempt = 1
    while names.contains(name) {
      attempt += 1
      name = "\(stem)-\(attempt)"
    }
    return name
  }

  /// Makes that directory, durably. Its path.
  public func makeDirectoryForOriginals(_ name: String) throws(JournalError) -> String {
    try makeDirectory(name)
    try syncDirectory("")
    return storage.describe(name)
  }

  /// Cuts one shard's journal where its inspection ended, and moves what stood behind that to `originals`, a directory
  /// below the ledger's. The ledger must have been opened `alone`.
  ///
  /// - Throws: `system`; then running it again finishes it. O(bytes of a segment).
  public func cut(shard: Int, at end: JournalPlace, originals: String) throws(JournalError) {
    let directory = Segment.directory(shard: shard)
    let aside = "\(originals)/\(directory)"
    for path in [originals, aside, directory] { try makeDirectory(path) }
    for path in ["", originals] { try syncDirectory(path) }

    let path = Segment.path(shard: shard, segment: end.segment)
    let names = try perform("list", directory) { () throws(Errno) in try storage.names(in: directory) }
    let name = String(path.dropFirst(directory.count + 1))
    let isThere = names.contains(name)
    if isThere {
      try perform("link", path) { () throws(Errno) in try storage.link(path, to: "\(aside)/\(name)") }
      try syncDirectory(aside)
    }
    try replace(path, upTo: end.byte, isThere: isThere)
    // Segments that stay are those before the cut. Anything else here follows from the journal, or was in the making.
    let replacement = SegmentFile.temporaryPath(of: name)
    for other in names.reversed() where other != name && other != replacement {
      if let number = Segment.number(in: other), number < end.segment { continue }
      try perform("move", "\(directory)/\(other)") { () throws(Errno) in
        try storage.rename("\(directory)/\(other)", to: "\(aside)/\(other)")
      }
    }
    for path in [aside, directory] { try syncDirectory(path) }
  }

  /// Gives a segment's name to a new file with its first bytes, and zeros behind them.
  private func replace(_ path: String, upTo end: Int, isThere: Bool) throws(JournalError) {
    let memory = try SegmentMemory(bytes: identity.segmentBytes)
    let kept = UnsafeMutableRawBufferPointer(start: memory.base, count: end)
    if isThere {
      try perform("read", path) { () throws(Errno) in try storage.open(path).read(into: kept, at: 0) }
    }
    let temporary = SegmentFile.temporaryPath(of: path)
    do {
      // What an interrupted start or salvage left.
      try storage.remove(temporary)
    } catch .noSuchFileOrDirectory {
    } catch {
      throw .system(operation: "remove", file: storage.describe(temporary), code: error)
    }
    try SegmentFile.make(
      path, content: UnsafeRawBufferPointer(start: memory.base, count: memory.bytes), in: storage)
  }

  private func makeDirectory(_ path: String) throws(JournalError) {
    do {
      try storage.makeDirectory(path)
    } catch .fileExists {
      // Of another shard, or of an attempt before.
    } catch {
      throw .system(operation: "create", file: storage.describe(path), code: error)
    }
  }

  private func syncDirectory(_ path: String) throws(JournalError) {
    try perform("sync the directory", path) { () throws(Errno) in try storage.syncDirectory(path) }
  }

  func perform<Result>(
    _ operation: String, _ path: String, _ body: () throws(Errno) -> Result
  ) throws(JournalError) -> Result {
    try JournalError.naming(operation, storage.describe(path), body)
  }

  /// `2026-11-23T14-05-09Z`: a moment in UTC that can be part of a file name.
  static func dateText(_ seconds: Int) -> String {
    let date = System.utc(seconds)
    func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(date.year)-\(digits(date.month))-\(digits(date.day))T"
      + "\(digits(date.hour))-\(digits(date.minute))-\(digits(date.second))Z"
  }
}
