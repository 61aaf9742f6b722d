import ManaProtocol

/// Creates the accounts of a run: a purchase each, and then, where pages are read, a history for every one of them.
struct SetUpSource: RequestSource {
  let bodyBytesMax: Int
  private(set) var generator: ItemGenerator
  private(set) var book: AccountBook
  private let itemsMax: Int
  /// Spends on each account after its purchase.
  private let spendsEach: Int
  private var next = 0
  private var done = 0
  private var progress: ProgressLine

  init(generator: ItemGenerator, spendsEach: Int, itemsMax: Int, progress: ProgressLine) {
    self.generator = generator
    self.itemsMax = itemsMax
    self.spendsEach = spendsEach
    self.progress = progress
    bodyBytesMax = BatchView.bodyBytes(count: itemsMax, textBytes: 0)
    book = AccountBook(accounts: generator.accounts.count)
  }

  /// Transactions that set-up posts.
  private var total: Int { generator.accounts.count * (1 + spendsEach) }

  mutating func encodeNext(into body: UnsafeMutableRawPointer) -> (opcode: Opcode, bodyBytes: Int)? {
    let bytes = RequestEncoder.batch(upTo: itemsMax, to: body) { nextItem() }
    return bytes == 0 ? nil : (.post, bytes)
  }

  private mutating func nextItem() -> Item? {
    guard next < total else { return nil }
    defer { next += 1 }
    let account = next % generator.accounts.count
    return next < generator.accounts.count
      ? generator.item(on: account, .purchase, .purchase, amount: LoadLimits.fundingMicromana)
      : generator.item(on: account, .spend, .combination, amount: Price.combination)
  }

  mutating func completed(
    _ request: RequestView, _ reply: ReplyView, nowNanoseconds: UInt64
  ) throws(LoadError) {
    guard reply.header.status == 0 else {
      throw .unreachable("The accounts could not be created: \(reply.errorText())")
    }
    var refusals = [UInt64](repeating: 0, count: Int(Status.transactionUnknown.rawValue) + 1)
    let scan = try ReplyScan.read(request, reply, refusals: &refusals) { item, result in
      guard let account = generator.accounts.index(of: item.account) else { return }
      book.apply(account: account, type: item.type, amount: result.u64(8))
    }
    if let refused = refusals.firstIndex(where: { $0 > 0 }) {
      let name = Status(rawValue: UInt16(refused))?.name ?? "status \(refused)"
      throw .unreachable("The accounts could not be created: the ledger refuses a transaction as \(name).")
    }
    guard scan.replayed == 0 else {
      throw .usage("This ledger has seen this --seed before, and its transaction ids with it. Choose another seed.")
    }
    done += scan.accepted
  }

  mutating func lost(_ request: RequestView, reason: String) throws(LoadError) {
    throw .unreachable("The connection was cut while the accounts were created: \(reason)")
  }

  mutating func turn(nowNanoseconds: UInt64) {
    progress.show(done, of: total, "transactions of the set-up posted", now: nowNanoseconds)
  }
}
