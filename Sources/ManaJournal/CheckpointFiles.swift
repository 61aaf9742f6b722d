import SystemPackage

/// The checkpoints of one shard.
struct CheckpointFiles {
  static let suffix = ".checkpoint"
  static let temporarySuffix = ".checkpoint.temporary"
  /// Two: should the newest one not be readable, a start need not begin with the first block.
  static let kept = 2

  let storage: any Storage
  let journal: JournalIdentity

  private var directory: String { Segment.directory(shard: journal.shard) }

  func path(of block: UInt64) -> String { "\(directory)/\(Self.name(of: block))" }

  static func name(of block: UInt64) -> String {
    let digits = String(block)
    return String(repeating: "0", count: 20 - digits.count) + digits + suffix
  }

  /// The block's number in a file name; nil when it is not the name of a checkpoint.
  static func number(in name: String) -> UInt64? {
    guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)), name == Self.name(of: number)
    else { return nil }
    return number
  }

  /// The blocks that there are checkpoints of, newest first, and the names of files that were in the making.
  func list() throws(JournalError) -> (numbers: [UInt64], temporaries: [String]) {
    let names = try storage.names(ofShard: directory)
    return (
      names.compactMap(Self.number(in:)).sorted(by: >),
      names.filter { $0.hasSuffix(Self.temporarySuffix) }.map { "\(directory)/\($0)" }
    )
  }

  /// Removes what is older than the two newest, and what was left in the making.
  func removeOld() throws(JournalError) {
    let (numbers, temporaries) = try list()
    for path in temporaries + numbers.dropFirst(Self.kept).map(path(of:)) { try remove(path) }
  }

  func remove(_ path: String) throws(JournalError) {
    do {
      try storage.remove(path)
    } catch .noSuchFileOrDirectory {
      // Gone already is what was wanted.
    } catch {
      throw .system(operation: "remove", file: storage.describe(path), code: error)
    }
  }
}
