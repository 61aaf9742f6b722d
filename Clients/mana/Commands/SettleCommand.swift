import ArgumentParser
import ManaClient

struct SettleCommand: LedgerCommand {
  static let configuration = CommandConfiguration(
    commandName: "settle",
    abstract: "Say how an operation that was charged with --settle-within has ended.",
    discussion: """
      What was not used is given back; after --failed that is everything. Saying the
      same again changes nothing.

      EXAMPLES
        mana settle 42 7 --succeeded
        mana settle 42 7 --succeeded --used 1.0
        mana settle 42 7 --failed --note 'operation failed'
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The account.", transform: parseAccount) var account: AccountID
  @Argument(help: "The id of the spend.", transform: parseTransactionID) var spend: TransactionID
  @Flag(help: "The operation succeeded.") var succeeded = false
  @Flag(help: "The operation failed.") var failed = false
  @Option(
    help: ArgumentHelp("What was used of the charge, when it was not all.", valueName: "amount"),
    transform: parseAmount)
  var used: Mana?
  @OptionGroup var write: WriteOptions

  func validate() throws {
    guard succeeded != failed else { throw ValidationError("say either --succeeded or --failed") }
    guard !failed || used == nil else { throw ValidationError("--used goes with --succeeded") }
    guard !failed || write.note != nil else { throw ValidationError("--failed needs a --note that says why") }
  }

  /// What the flags mean.
  var outcome: SettlementOutcome {
    if failed { return .failed }
    return used.map(SettlementOutcome.succeededUsing) ?? .succeeded
  }

  func run(_ client: ManaClient, _ console: Console) async throws {
    let receipt = try await client.settle(account, spend, as: outcome, id: write.chosenID, note: write.note)
    var shown = ShownTransaction(receipt, account: account, operation: .refund, related: spend, note: write.note)
    if receipt.replayed, receipt.isRecorded {
      // A settlement is replayed whatever its id. The refund that the first one posted has that one's id and note.
      let place = HistoryCursor(sequence: UInt64(receipt.sequence))
      if let refund = try await client.page(of: account, limit: 1, from: place).transactions.first {
        shown = ShownTransaction(refund)
        shown.replayed = true
      }
    }
    console.result(shown.json, Self.sentence(shown))
  }

  static func sentence(_ transaction: ShownTransaction) -> String {
    let spend = transaction.related.map { "spend \($0) " } ?? ""
    guard transaction.timestamp != nil else {
      return "\(spend)settled, nothing to refund, account \(transaction.account), balance \(transaction.balanceAfter)"
    }
    return "\(spend)settled, \(Console.sentence(transaction))"
  }
}
