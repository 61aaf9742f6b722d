import ArgumentParser
import ManaJournal
import ManaServer
import ManaText
import SystemPackage

/// `mana-server backup`.
struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy a data directory, while a server runs on it or not.",
    discussion: """
      The copy holds everything that was acknowledged before the backup began, and perhaps some of what came later: of \
      each shard all blocks up to one that is whole. It is synced and then verified as `mana-server verify` does, which \
      takes the memory of its index beside the server's. A server starts on the copy as it stands.

      A ledger that is copied lives on: never let two servers serve the same customers from two copies.

      EXIT STATUS
        0   copied and sound
        65  the directory is damaged; the copy is incomplete
        66  there is no ledger
        73  the target is not empty
        74  a disk cannot be read or written; the copy is incomplete, and no server starts on it

      EXAMPLES
        mana-server backup ./mana-data /mnt/backup/mana-2026-11-23
        mana-server backup /var/lib/mana ./copy --json | jq .transactions
      """)

  @OptionGroup var options: ToolOptions

  @Argument(help: ArgumentHelp("The directory to make; it must be empty or absent.", valueName: "target"))
  var target: String

  func run() throws {
    try runTool {
      let files = try LedgerFiles.open(options.directory, .besideServer)
      var progress = ToolProgress("copied", total: try files.segmentBytesTotal())
      let copied = try files.backUp(to: FilePath(target)) { progress.add($0) }
      progress.finish()
      let shards = try LedgerFiles.open(target, .withoutServer).verifyAll()
      try report(files, copied, shards)
      if !shards.isSound { throw ExitCode(65) }
    }
  }

  private func report(_ files: LedgerFiles, _ copied: [ShardBackup], _ shards: [ShardVerification]) throws {
    guard options.json else {
      if shards.isSound { return try StandardOutput.write(line: "\(target) is a sound copy: \(shards.summary)") }
      for line in VerifyCommand.text(target, shards) { try StandardOutput.write(line: line) }
      return
    }
    var line = JSONObject()
    line.add("directory", files.directory)
    line.add("target", target)
    line.add("ledger", ToolText.id(files.identity.ledgerID))
    line.add("sound", shards.isSound)
    line.add("transactions", shards.reduce(0) { $0 + $1.transactions })
    line.add(
      "shards",
      zip(copied, shards).map { copy, found in
        var line = found.json(shard: copy.shard)
        line.add("lastBlock", copy.lastBlock)
        return line
      })
    try StandardOutput.write(line: line.description)
  }
}
