import ArgumentParser
import ManaJournal
import ManaServer
import ManaText

/// `mana-server verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every block and every balance of a data directory.",
    discussion: """
      Reads each block past the page cache: its place, its checksums, the hash of the block before it. Executes each \
      record again, and compares the balance after it, its sequence number, its links and each block's digest of all \
      balances. Nothing is changed. A server must not be running on the directory; to verify what a running one has, \
      take a backup, which is verified.

      A torn tail is a write that a crash cut short and that nobody had been told of. It is no damage: the next start \
      cuts it. Neither is a checkpoint that is not whole: the next start takes an older one, or the whole journal. But one \
      that is whole, of a block that the journal does not have, shows that the journal has lost something.

      EXIT STATUS
        0   sound
        65  damaged; the first bad place of each shard is named
        66  there is no ledger
        69  a server is running on it
        74  the disk cannot be read

      EXAMPLES
        mana-server verify ./mana-data
        mana-server verify /var/lib/mana --json | jq .sound
      """)

  @OptionGroup var options: ToolOptions

  func run() throws {
    try runTool {
      let files = try LedgerFiles.open(options.directory, .withoutServer)
      let shards = try files.verifyAll()
      if options.json {
        try StandardOutput.write(line: Self.json(files, shards).description)
      } else {
        for line in Self.text(options.directory, shards) { try StandardOutput.write(line: line) }
      }
      if !shards.isSound { throw ExitCode(65) }
    }
  }

  static func json(_ files: LedgerFiles, _ shards: [ShardVerification]) -> JSONObject {
    var line = JSONObject()
    line.add("directory", files.directory)
    line.add("ledger", ToolText.id(files.identity.ledgerID))
    line.add("sound", shards.isSound)
    line.add("shards", shards.enumerated().map { $1.json(shard: $0) })
    return line
  }

  static func text(_ directory: String, _ shards: [ShardVerification]) -> [String] {
    var lines = ["\(directory) is \(shards.isSound ? "sound" : "damaged"): \(shards.summary)"]
    for (shard, found) in shards.enumerated() {
      if let damage = found.firstBadPlace {
        lines.append("shard \(shard), damaged: \(damage.text)")
        lines.append(
          "  before that: \(ToolText.count(found.inspection.blocks, "block")), "
            + "\(ToolText.count(found.transactions, "transaction")) of \(ToolText.count(found.accounts, "account"))")
      }
      for place in found.inspection.unreadable {
        lines.append("  the disk cannot read \(place.file), byte \(place.byte)")
      }
      if let tail = found.inspection.tornTail {
        lines.append("shard \(shard), torn tail, harmless: \(tail.text)")
      }
      for checkpoint in found.checkpoints where checkpoint.fault != nil {
        lines.append("shard \(shard), checkpoint of no use, harmless: \(checkpoint.file): \(checkpoint.fault ?? "")")
      }
    }
    if !shards.isSound {
      lines.append(
        "Restore the directory from a copy. What giving up the rest would lose: mana-server salvage \(directory)")
    }
    return lines
  }
}
