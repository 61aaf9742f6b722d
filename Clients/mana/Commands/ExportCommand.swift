import ArgumentParser
import ManaClient
import ManaProtocol
import ManaText

/// How a history is exported.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  case csv
  case json
}

struct ExportCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write an account's whole history, oldest first.",
    discussion: """
      csv: a header line and RFC 4180 lines. json: JSON Lines, one object a line.
      Both have the fields of `mana history --json`, amounts with their sign and
      exact times in UTC. With --output the file appears when it is complete; status
      73 or 74 says that it could not be written.

      EXAMPLES
        mana export 42 --format csv --output history.csv
        mana export 42 --format json | jq -r .note
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Option(help: "csv or json.") var format: ExportFormat
  @Option(help: ArgumentHelp("The file to write instead of standard output.", valueName: "file"))
  var output: String?

  func run(_ client: ManaClient, _ console: Console) async throws {
    let pageMax = client.serverInformation?.pageMax ?? Limits.pageMax
    let pages = client.transactions(of: account, oldestFirst: true, pageSize: pageMax).pages
    var target: ExportTarget?
    var meter: ProgressMeter?
    var count = 0
    for try await page in pages {
      // Nothing is created for an account that does not exist.
      if target == nil {
        target = try ExportTarget(path: output, console: console)
        if let header = Self.header(format) { try target?.write(header) }
        meter = ProgressMeter("transactions", total: page.total, console: console)
      }
      try target?.write(page.transactions.map { Self.line(ShownTransaction($0), as: format) }.joined())
      count += page.transactions.count
      meter?.update(count)
    }
    meter?.finish()
    try target?.finish()
    guard let output else { return }
    console.result(
      .members(["transactions": .integer(UInt64(count)), "output": .string(output)]),
      "\(NumberText.grouped(count)) transactions written to \(output)")
  }

  private static let columns = [
    "id", "account", "type", "operation", "amount", "balanceAfter", "timestamp", "sequence", "quantity",
    "relatedTransaction", "reference", "note",
  ]

  /// What comes before the first transaction.
  static func header(_ format: ExportFormat) -> String? {
    format == .csv ? columns.joined(separator: ",") + "\r\n" : nil
  }

  /// One transaction, with its line break.
  static func line(_ transaction: ShownTransaction, as format: ExportFormat) -> String {
    guard format == .csv else { return transaction.json.description + "\n" }
    let fields = [
      transaction.id.description, transaction.account.description, transaction.type.name, transaction.operation.name,
      transaction.change.description, transaction.balanceAfter.description, transaction.timestamp?.description ?? "",
      String(transaction.sequence), transaction.quantity == 0 ? "" : String(transaction.quantity),
      transaction.related?.description ?? "", transaction.reference, transaction.note,
    ]
    return fields.map(quoted).joined(separator: ",") + "\r\n"
  }

  private static func quoted(_ field: String) -> String {
    guard field.utf8.contains(where: { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }) else { return field }
    return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
