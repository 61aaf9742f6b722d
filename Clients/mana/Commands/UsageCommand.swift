import ArgumentParser
import ManaClient
import ManaProtocol

extension UsageGrouping: ExpressibleByArgument {}

struct UsageCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "usage",
    abstract: "Add up what an account was used for, by operation or by day.",
    discussion: """
      Each line has what was spent, refunded, purchased and given as a bonus, the
      number of transactions, how many things the spends made, and a bar for what
      was spent. A refund counts as the operation refund, on the day on which it was
      posted, and takes nothing off the spend. Days without a transaction are left
      out.

      Days, and times without an offset, are those of --time-zone, otherwise of TZ
      or of the system. The period is from --since on and before --until, written
      as for `mana history`.

      --json prints {"account","by","since","until","timeZone","groups","total"};
      a group has "operation" or "day", and like the total "spent" and
      "transactions", and unless they are zero "quantity", "refunded", "purchased"
      and "bonus". What was not given is left out.

      EXAMPLES
        mana usage 42 --by operation
        mana usage 42 --by day --since 7d --time-zone Europe/Berlin
        mana usage 42 --by day --since 2026-01-01 --until 2026-02-01 --json
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Option(help: "operation or day.") var by: UsageGrouping
  @Option(help: ArgumentHelp("Only from this time on.", valueName: "time")) var since: String?
  @Option(help: ArgumentHelp("Only before this time.", valueName: "time")) var until: String?
  @Option(
    help: ArgumentHelp("The time zone of the days, such as Europe/Berlin or UTC.", valueName: "zone"),
    transform: parseTimeZone)
  var timeZone: String?

  /// The zone is entered here, before the times are read, which may be local to it, and before anything has threads.
  func validate() throws {
    if let timeZone { TimeZoneName(timeZone)?.enter() }
    _ = try filter
  }

  /// The transactions of the period.
  var filter: HistoryFilter {
    get throws {
      let (since, until) = (try since.map(parseTime), try until.map(parseTime))
      if let since, let until, since >= until { throw ValidationError("--since is not before --until") }
      return HistoryFilter(from: since, until: until)
    }
  }

  func run(_ client: ManaClient, _ console: Console) async throws {
    let filter = try filter
    let pageMax = client.serverInformation?.pageMax ?? Limits.pageMax
    var usage = Usage(by: by)
    var meter: ProgressMeter?
    // Newest first: what is posted from now on comes before the first page, so that the walk has an end.
    for try await page in client.transactions(of: account, matching: filter, pageSize: pageMax).pages {
      for transaction in page.transactions { usage.add(transaction) }
      // How many transactions a part of the history has is known only at its end.
      if filter == .all, meter == nil { meter = ProgressMeter("transactions", total: page.total, console: console) }
      meter?.update(Int(clamping: usage.total.transactions))
    }
    meter?.finish()
    if console.isJSON { return console.line(json(usage, filter).description) }
    let table = UsageTable(hasColour: console.hasColour, width: console.width ?? UsageTable.widthUnlessTerminal)
    console.line(table.lines(usage).joined(separator: "\n"))
  }

  /// The JSON object that other programs rely on.
  func json(_ usage: Usage, _ filter: HistoryFilter) -> JSONValue {
    .members([
      "account": .text(account), "by": .string(by.rawValue), "since": filter.from.map(JSONValue.text),
      "until": filter.until.map(JSONValue.text),
      "timeZone": (timeZone ?? TimeZoneName.current?.description).map(JSONValue.string),
      "groups": .array(
        usage.groups.map { key, sum in
          .object([JSONValue.Member(key: by.rawValue, value: .text(key))] + sum.members)
        }),
      "total": .object(usage.total.members),
    ])
  }
}
