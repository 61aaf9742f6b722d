import ArgumentParser
import ManaClient
import ManaProtocol

struct HistoryCommand: LedgerCommand {
  /// Most transactions in one table, whose columns are aligned over all of it.
  static let limitMax = 10_000

  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List an account's transactions as its usage page does, newest first.",
    discussion: """
      Each line has the operation, the amount, the balance after it, the time, and
      in parentheses how many things were made and the note. In a terminal, spends
      are red, purchases green, refunds blue and bonuses gold, unless NO_COLOR is
      set. Times are local: 10:30 AM today, Jan 15 this year, Jan 15, 2025 before.

      Filters can be combined; a type or an operation can be given several times.
      --since and --until take 2026-01-15T10:30:00Z, a local 2026-01-15 or
      '2026-01-15 10:30', or how long ago: 15m, 2h, 1d.

      EXAMPLES
        mana history 42
        mana history 42 --type refund --since 7d
        mana history 42 --operation combination --min 10 --limit 100
        mana history 42 --page 3 --ids
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Option(help: "Only this type: spend, purchase, refund or bonus.", transform: parseType)
  var type: [TransactionType] = []
  @Option(help: "Only this operation, such as image_generation.", transform: parseOperation)
  var operation: [ManaProtocol.Operation] = []
  @Option(help: ArgumentHelp("Most transactions to list, up to 10000.", valueName: "number")) var limit = 20
  @Option(
    help: ArgumentHelp("Where to go on: the number that the page before ended with.", valueName: "cursor"),
    transform: parseCursor)
  var cursor: HistoryCursor?
  @Option(help: ArgumentHelp("Open this page of --limit transactions directly.", valueName: "number")) var page: Int?
  @Option(help: ArgumentHelp("Only from this time on.", valueName: "time"), transform: parseTime)
  var since: Timestamp?
  @Option(help: ArgumentHelp("Only before this time.", valueName: "time"), transform: parseTime)
  var until: Timestamp?
  @Option(help: ArgumentHelp("Only with exactly this reference.", valueName: "text"), transform: parseText)
  var reference: String?
  @Option(help: ArgumentHelp("Only refunds of this spend.", valueName: "id"), transform: parseTransactionID)
  var related: TransactionID?
  @Option(help: ArgumentHelp("Only amounts from this on.", valueName: "amount"), transform: parseAmountOrZero)
  var min: Mana?
  @Option(help: ArgumentHelp("Only amounts up to this.", valueName: "amount"), transform: parseAmount)
  var max: Mana?
  @Flag(help: "Oldest transactions first.") var oldestFirst = false
  @Flag(name: .customLong("ids"), help: "End each line with the transaction's id.") var hasIDs = false
  @Flag(name: .customLong("utc"), help: "Print exact times in UTC.") var isUTC = false

  func validate() throws {
    guard (1...Self.limitMax).contains(limit) else {
      throw ValidationError("--limit is from 1 to \(Self.limitMax); `mana export` lists everything")
    }
    guard page == nil || cursor == nil else { throw ValidationError("--page and --cursor exclude each other") }
    if let page, page < 1 { throw ValidationError("the first page is --page 1") }
    if let min, let max, min > max { throw ValidationError("--min is above --max") }
    if let since, let until, since >= until { throw ValidationError("--since is not before --until") }
    if let reference, reference.isEmpty { throw ValidationError("--reference is empty") }
  }

  /// What the options ask for.
  var query: HistoryQuery {
    let filter = HistoryFilter(
      types: Set(type), operations: Set(operation), from: since, until: until, amountMin: min, amountMax: max,
      related: related, reference: reference)
    let start = cursor.map(HistoryQuery.Start.cursor) ?? page.map(HistoryQuery.Start.page) ?? .beginning
    return HistoryQuery(account: account, filter: filter, limit: limit, oldestFirst: oldestFirst, start: start)
  }

  func run(_ client: ManaClient, _ console: Console) async throws {
    let query = query
    let part = try await query.fetch(client)
    if console.isJSON { return console.line(part.json.description) }
    let table = HistoryTable(clock: WallClock(isUTC: isUTC), hasColour: console.hasColour, hasIDs: hasIDs)
    var lines = table.lines(part.transactions)
    lines.append(part.summary(isFiltered: query.filter != .all))
    if let next = part.nextCursor {
      lines[lines.count - 1] += "; more: \(commandForNextPage(CommandLine.arguments, cursor: next))"
    }
    console.line(lines.joined(separator: "\n"))
  }
}
