import ManaProtocol

/// Fetches every account and compares it with the book.
struct OverviewSource: RequestSource {
  let bodyBytesMax = 16
  private(set) var mismatches: [Mismatch] = []
  private(set) var mismatchCount = 0
  private let accounts: AccountSet
  private let book: AccountBook
  private var next = 0
  private var compared = 0
  private var progress: ProgressLine

  init(accounts: AccountSet, book: AccountBook, progress: ProgressLine) {
    self.accounts = accounts
    self.book = book
    self.progress = progress
  }

  mutating func encodeNext(into body: UnsafeMutableRawPointer) -> (opcode: Opcode, bodyBytes: Int)? {
    guard next < accounts.count else { return nil }
    defer { next += 1 }
    return (.getAccount, RequestEncoder.overview(of: accounts[next], to: body))
  }

  mutating func completed(
    _ request: RequestView, _ reply: ReplyView, nowNanoseconds: UInt64
  ) throws(LoadError) {
    guard let base = request.body.baseAddress, let index = accounts.index(of: base.u128(0)) else {
      preconditionFailure("a request for an account that is not of this run")
    }
    compared += 1
    let expected = book.expectations[index]
    switch reply.status {
    case .accountUnknown:
      if expected != AccountBook.Expectation() { note(Mismatch(account: accounts[index], expected: expected)) }
    case .ok:
      do throws(ProtocolError) {
        let overview = try AccountOverview(reading: reply.body)
        compare(overview, with: expected, of: accounts[index])
      } catch {
        throw .protocolViolation("The server answered getAccount with what the protocol does not allow: \(error)")
      }
    default: throw .unreachable("An account could not be read: \(reply.errorText())")
    }
  }

  private mutating func compare(
    _ overview: AccountOverview, with expected: AccountBook.Expectation, of account: UInt128
  ) {
    let found = AccountBook.Expectation(balance: overview.balance, transactions: overview.transactions)
    let credits = overview.lifetime(.purchase) &+ overview.lifetime(.bonus) &+ overview.lifetime(.refund)
    let sum = Int64(bitPattern: credits &- overview.lifetime(.spend))
    let consistent = sum == overview.balance && overview.account == account
    guard found != expected || !consistent else { return }
    note(Mismatch(account: account, expected: expected, found: found, contradictsItself: !consistent))
  }

  private mutating func note(_ mismatch: Mismatch) {
    mismatchCount += 1
    if mismatches.count < LoadLimits.mismatchesNamed { mismatches.append(mismatch) }
  }

  mutating func lost(_ request: RequestView, reason: String) throws(LoadError) {
    throw .unreachable("The connection was cut during the verification: \(reason)")
  }

  mutating func turn(nowNanoseconds: UInt64) {
    progress.show(compared, of: accounts.count, "accounts verified", now: nowNanoseconds)
  }
}
