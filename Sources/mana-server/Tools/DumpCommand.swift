import ArgumentParser
import ManaJournal
import ManaLedger
import ManaProtocol
import ManaServer
import ManaText

/// `mana-server dump`.
struct DumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Print the blocks and records of a data directory.",
    discussion: """
      Prints each block as it stands on the disk, and below it its records. A block that does not follow the one before \
      it is printed with a "doubt", and bytes that are no block with their place, so that a damaged journal can be \
      looked at, too. Nothing is executed and nothing is changed; a server may be running, and what it writes meanwhile \
      may be missing.

      A PLACE is a block's number, or the position of a record written as @POSITION. Positions and block numbers are \
      those of a shard.

      With --json: one object a line, "kind" is "block", "record" or "unknown". Amounts are Mana, times UTC.

      EXIT STATUS
        0   printed
        66  there is no ledger
        74  the disk cannot be read, or the output not be written

      EXAMPLES
        mana-server dump ./mana-data --from 1200 --to 1210
        mana-server dump ./mana-data --from @160005 --shard 0
        mana-server dump ./mana-data --account 42 --json | jq -r 'select(.kind == "record") | .balanceAfter'
      """)

  @OptionGroup var options: ToolOptions

  @Option(help: ArgumentHelp("Begin at this block or record.", valueName: "place"), transform: DumpPlace.parse)
  var from: DumpPlace?

  @Option(help: ArgumentHelp("End with this block or record.", valueName: "place"), transform: DumpPlace.parse)
  var to: DumpPlace?

  @Option(help: "Only this shard.")
  var shard: Int?

  @Option(
    help: ArgumentHelp("Only records of this account, a number or a UUID.", valueName: "id"), transform: Self.account)
  var account: UInt128?

  private static func account(_ text: String) throws -> UInt128 {
    guard let number = ToolText.number(ofID: text), number != 0 else {
      throw ValidationError("'\(text)' is no account; write a number above 0 or a UUID")
    }
    return number
  }

  func run() throws {
    try runTool {
      let files = try LedgerFiles.open(options.directory, .besideServer)
      let count = files.identity.shardCount
      if let shard, !(0..<count).contains(shard) {
        throw ValidationError("--shard takes 0 to \(count - 1): the ledger has \(ToolText.count(count, "shard"))")
      }
      let map = ShardMap(shardCount: count, seed: files.identity.shardHashSeed)
      let shards = shard.map { $0...$0 } ?? account.map { map.shard(of: $0)...map.shard(of: $0) } ?? 0...(count - 1)
      var output = OutputBuffer()
      for shard in shards { try dump(shard, of: files, &output) }
      try output.flush()
    }
  }

  private func dump(_ shard: Int, of files: LedgerFiles, _ output: inout OutputBuffer) throws {
    var failure: (any Error)?
    var buffer = output
    try files.walk(shard: shard, from: from?.start ?? .beginning) { step in
      do {
        return try show(step, &buffer)
      } catch {
        failure = error
        return false
      }
    }
    output = buffer
    if let failure { throw failure }
  }

  /// False when everything behind it is not wanted.
  private func show(_ step: WalkStep, _ output: inout OutputBuffer) throws -> Bool {
    switch step {
    case .unknown(let place, let byteCount):
      guard account == nil else { return true }
      try output.write(
        options.json ? DumpLine.json(unknown: place, byteCount).description : DumpLine.text(unknown: place, byteCount))
      return true
    case .block(let block):
      if to?.isBefore(block) == true { return false }
      guard from?.isBehind(block) != true else { return true }
      if account == nil {
        try output.write(options.json ? DumpLine.json(block).description : DumpLine.text(block))
      }
      var lines: [String] = []
      let fits = block.forEachRecord { record in
        guard account.map({ $0 == record.item.account }) ?? true, from?.isBehind(record) != true,
          to?.isBefore(record) != true
        else { return }
        let json = { DumpLine.json(record, shard: block.place.shard, block: block.number).description }
        lines.append(options.json ? json() : DumpLine.text(record))
      }
      for line in lines { try output.write(line) }
      if !fits, block.isWhole, account == nil, !options.json {
        try output.write("  the records do not fill the block as they should")
      }
      return true
    }
  }
}

/// Where a dump begins or ends.
enum DumpPlace: Equatable {
  case block(UInt64)
  case position(UInt64)

  static func parse(_ text: String) throws -> DumpPlace {
    if text.hasPrefix("@"), let position = UInt64(text.dropFirst()) { return .position(position) }
    if let block = UInt64(text) { return .block(block) }
    throw ValidationError("'\(text)' is no place; write a block's number, or @ and a record's position")
  }

  var start: WalkStart {
    switch self {
    case .block(let number): .block(number)
    case .position(let position): .position(position)
    }
  }

  /// Whether a block lies wholly before this place.
  func isBehind(_ block: FoundBlock) -> Bool {
    switch self {
    case .block(let number): block.number < number
    case .position(let position): block.endPosition <= position
    }
  }

  /// Whether a block lies wholly behind this place.
  func isBefore(_ block: FoundBlock) -> Bool {
    switch self {
    case .block(let number): block.number > number
    case .position(let position): block.firstPosition > position
    }
  }

  func isBehind(_ record: RecordContent) -> Bool {
    if case .position(let position) = self { record.position < position } else { false }
  }

  func isBefore(_ record: RecordContent) -> Bool {
    if case .position(let position) = self { record.position > position } else { false }
  }
}
