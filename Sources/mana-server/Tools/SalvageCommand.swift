import ArgumentParser
import ManaJournal
import ManaServer
import ManaText
import SystemPackage

/// `mana-server salvage`.
struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage",
    abstract: "Give up what is behind the damage of a journal, so that a server starts again.",
    discussion: """
      First restore from a copy, if there is one. Where there is none: this verifies the directory, and for each shard \
      that is damaged it prints what stands behind the first bad block and would be lost. With --accept-loss it cuts the \
      journal there.

      Nothing is deleted. What the cut replaces or takes away is moved to DIRECTORY/salvaged-TIME, and the records that \
      can still be read are listed there in lost.jsonl, in the form of `mana-server dump --json`, to be posted again or \
      made good otherwise.

      EXIT STATUS
        0   the directory is sound, or it was cut and is sound now
        65  damaged, and --accept-loss was not given: nothing was changed
        66  there is no ledger
        69  a server is running on it
        74  the disk cannot be read or written; run it again once it can

      EXAMPLES
        mana-server salvage ./mana-data
        mana-server salvage ./mana-data --accept-loss
      """)

  @OptionGroup var options: ToolOptions

  @Flag(help: "Cut the journal. What is behind the cut is lost to the ledger.")
  var acceptLoss = false

  func run() throws {
    try runTool {
      let files = try LedgerFiles.open(options.directory, acceptLoss ? .alone : .withoutServer)
      let shards = try files.verifyAll()
      guard !shards.isSound else { return try report(files, shards, losses: [:], originals: nil) }
      let originals = acceptLoss ? try files.nameForOriginals() : nil
      let losses = try list(files, shards, in: originals)
      guard let originals else {
        try report(files, shards, losses: losses, originals: nil)
        throw ExitCode(65)
      }
      for (shard, found) in shards.enumerated() where !found.isSound {
        try files.cut(shard: shard, at: found.inspection.end, originals: originals)
      }
      let after = try files.verifyAll("verified again")
      try report(files, shards, losses: losses, originals: originals)
      guard after.isSound else {
        try StandardError.write(line: "mana-server: \(options.directory) is still damaged; see mana-server verify")
        throw ExitCode(65)
      }
    }
  }

  /// What each damaged shard would lose; listed in a file of the directory for originals, when there is to be one.
  private func list(
    _ files: LedgerFiles, _ shards: [ShardVerification], in originals: String?
  ) throws -> [Int: ShardLoss] {
    var output: OutputBuffer?
    if let originals {
      let path = FilePath(try files.makeDirectoryForOriginals(originals)).appending("lost.jsonl")
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite, .groupRead])
      output = OutputBuffer(file)
    }
    var losses: [Int: ShardLoss] = [:]
    var failure: (any Error)?
    for (shard, found) in shards.enumerated() where !found.isSound {
      losses[shard] = try files.loss(shard: shard, behind: found.inspection) { block, record in
        do {
          try output?.write(DumpLine.json(record, shard: shard, block: block).description)
        } catch {
          failure = error
        }
      }
    }
    try output?.flush()
    if let failure { throw failure }
    return losses
  }

  // MARK: Printing

  private func report(
    _ files: LedgerFiles, _ shards: [ShardVerification], losses: [Int: ShardLoss], originals: String?
  ) throws {
    if options.json {
      return try StandardOutput.write(line: json(files, shards, losses, originals).description)
    }
    if losses.isEmpty {
      return try StandardOutput.write(line: "\(options.directory) is sound, nothing to salvage: \(shards.summary)")
    }
    for (shard, loss) in losses.sorted(by: { $0.key < $1.key }) {
      for line in Self.text(shard, shards[shard], loss, isCut: originals != nil) {
        try StandardOutput.write(line: line)
      }
    }
    if let originals {
      let path = "\(options.directory)/\(originals)"
      try StandardOutput.write(line: "The originals are in \(path), the records that could be read in its lost.jsonl.")
      try StandardOutput.write(line: "\(options.directory) is sound now, and a server starts on it.")
    } else {
      try StandardOutput.write(
        line: "Nothing was changed. To cut there: mana-server salvage \(options.directory) --accept-loss")
    }
  }

  static func text(_ shard: Int, _ found: ShardVerification, _ loss: ShardLoss, isCut: Bool) -> [String] {
    let damage = found.firstBadPlace?.text ?? ""
    let (first, last) = (loss.blocks.lowerBound, loss.blocks.upperBound)
    var lines = [
      "shard \(shard), damaged: \(damage)",
      "  \(isCut ? "kept" : "would be kept"): blocks 1 to \(first - 1), "
        + "\(ToolText.count(found.transactions, "transaction")) of \(ToolText.count(found.accounts, "account"))",
      "  \(isCut ? "lost" : "would be lost"): blocks \(first) to \(last) at least, positions \(loss.positions.lowerBound) "
        + "to \(loss.positions.upperBound)",
      "    readable: \(ToolText.count(loss.readableRecords, "record")) of "
        + "\(ToolText.count(loss.accounts.count, "account")) in \(ToolText.count(loss.readableBlocks, "block"))",
      "    not readable: \(ToolText.count(loss.unreadableRecords, "record")) in blocks whose header is left, and "
        + "\(ToolText.count(loss.absentBlocks, "block")) of which nothing is left",
    ]
    if let times = loss.times {
      lines.append("    written from \(ToolText.time(times.lowerBound)) to \(ToolText.time(times.upperBound))")
    }
    let shown = loss.accounts.sorted().prefix(20).map(ToolText.id)
    if !shown.isEmpty {
      let more =
        loss.accounts.count > shown.count ? " and \(NumberText.grouped(loss.accounts.count - shown.count)) more" : ""
      lines.append("    accounts: \(shown.joined(separator: ", "))\(more)")
    }
    return lines
  }

  private func json(
    _ files: LedgerFiles, _ shards: [ShardVerification], _ losses: [Int: ShardLoss], _ originals: String?
  ) -> JSONObject {
    var line = VerifyCommand.json(files, shards)
    line.add("cut", originals != nil)
    if let originals { line.add("originals", "\(files.directory)/\(originals)") }
    line.add("losses", losses.sorted { $0.key < $1.key }.map { $1.json(shard: $0) })
    return line
  }
}

extension ShardLoss {
  func json(shard: Int) -> JSONObject {
    var line = JSONObject()
    line.add("shard", shard)
    line.add("firstBlock", blocks.lowerBound)
    line.add("lastBlock", blocks.upperBound)
    line.add("firstPosition", positions.lowerBound)
    line.add("endPosition", positions.upperBound)
    line.add("readableBlocks", readableBlocks)
    line.add("readableRecords", readableRecords)
    line.add("unreadableRecords", unreadableRecords)
    line.add("absentBlocks", absentBlocks)
    if let times {
      line.add("firstTimestamp", ToolText.time(times.lowerBound))
      line.add("lastTimestamp", ToolText.time(times.upperBound))
    }
    line.add("accounts", accounts.sorted().map(ToolText.id))
    return line
  }
}
