import ArgumentParser
import ManaJournal
import ManaServer
import ManaText
import SystemPackage

/// What all tools take.
struct ToolOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The data directory.", valueName: "directory"))
  var directory: String

  @Flag(help: "Print JSON.")
  var json = false
}

/// Runs what a tool does, and turns what went wrong into a line on standard error and an exit status.
func runTool(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as JournalError {
    var line = "mana-server: \(error)"
    if case .locked = error {
      line += " Stop it first; or take a copy while it runs, which is verified: mana-server backup."
    }
    try StandardError.write(line: line)
    throw ExitCode(error.exitStatus)
  } catch let error as Errno {
    try StandardError.write(line: "mana-server: writing the result: \(error)")
    throw ExitCode(74)
  }
}

extension LedgerFiles {
  static func open(_ directory: String, _ access: Access) throws(JournalError) -> LedgerFiles {
    try open(at: FilePath(directory), access)
  }

  /// Verifies all shards, telling how far it is.
  func verifyAll(_ verb: String = "verified") throws(JournalError) -> [ShardVerification] {
    var progress = ToolProgress(verb, total: try segmentBytesTotal())
    defer { progress.finish() }
    var shards: [ShardVerification] = []
    for shard in 0..<identity.shardCount {
      shards.append(try verify(shard: shard) { progress.add($0) })
    }
    return shards
  }
}

extension [ShardVerification] {
  var isSound: Bool { allSatisfy(\.isSound) }

  /// `2 shards, 12 blocks, 340 transactions of 8 accounts, the last of 2026-11-23T14:00:00Z`.
  var summary: String {
    let parts = [
      ToolText.count(count, "shard"), ToolText.count(reduce(0) { $0 + $1.inspection.blocks }, "block"),
      ToolText.count(reduce(0) { $0 + $1.transactions }, "transaction") + " of "
        + ToolText.count(reduce(0) { $0 + $1.accounts }, "account"),
    ]
    let last = map(\.inspection.lastTimestamp).max() ?? 0
    return parts.joined(separator: ", ") + (last > 0 ? ", the last block of \(ToolText.time(last))" : "")
  }
}

extension JournalDamage {
  var json: JSONObject {
    var line = JSONObject()
    line.add("file", file)
    line.add("block", block)
    line.add("byte", byte)
    line.add("reason", reason)
    return line
  }

  var text: String { "\(file), block \(block), byte \(byte): \(reason)" }
}

extension ShardVerification {
  func json(shard: Int) -> JSONObject {
    var line = JSONObject()
    line.add("shard", shard)
    line.add("sound", isSound)
    line.add("segments", inspection.segments)
    line.add("blocks", inspection.blocks)
    line.add("records", inspection.records)
    line.add("transactions", transactions)
    line.add("accounts", accounts)
    line.add("endPosition", inspection.endPosition)
    line.add("digest", ToolText.hexadecimal(inspection.lastDigest))
    if inspection.lastTimestamp > 0 { line.add("lastTimestamp", ToolText.time(inspection.lastTimestamp)) }
    line.add("lastBlockNamedDurable", !inspection.endsWithRecords)
    line.add(
      "checkpoints",
      checkpoints.map { checkpoint in
        var object = JSONObject()
        object.add("file", checkpoint.file)
        object.add("block", checkpoint.block)
        object.add("sound", checkpoint.fault == nil)
        if let fault = checkpoint.fault { object.add("fault", fault) }
        return object
      })
    if let tail = inspection.tornTail { line.add("tornTail", tail.json) }
    if let damage = firstBadPlace { line.add("damage", damage.json) }
    if !inspection.unreadable.isEmpty {
      line.add("unreadableSectors", inspection.unreadable.map { "\($0.file):\($0.byte)" })
    }
    return line
  }
}
