import ManaProtocol

/// Asks what became of transactions whose reply was lost, and enters those that were posted into the book.
struct LookupSource: RequestSource {
  let bodyBytesMax = LookupReplyView.requestBytes
  private(set) var book: AccountBook
  private(set) var applied = 0
  private(set) var notApplied = 0
  private let accounts: AccountSet
  private let unknown: [Item]
  private var next = 0

  init(_ unknown: [Item], accounts: AccountSet, book: AccountBook) {
    self.unknown = unknown
    self.accounts = accounts
    self.book = book
  }

  mutating func encodeNext(into body: UnsafeMutableRawPointer) -> (opcode: Opcode, bodyBytes: Int)? {
    guard next < unknown.count else { return nil }
    let item = unknown[next]
    next += 1
    return (.lookupTransaction, RequestEncoder.lookup(item.id, of: item.account, to: body))
  }

  mutating func completed(
    _ request: RequestView, _ reply: ReplyView, nowNanoseconds: UInt64
  ) throws(LoadError) {
    switch reply.status {
    case .transactionUnknown, .accountUnknown: notApplied += 1
    case .ok:
      do throws(ProtocolError) {
        let item = try LookupReplyView(reading: reply.body).transaction.item
        guard let index = accounts.index(of: item.account) else {
          throw ProtocolError(.malformedBody, "a transaction of another account")
        }
        book.apply(account: index, type: item.type, amount: item.amount)
        applied += 1
      } catch {
        throw .protocolViolation("The server answered a look-up with what the protocol does not allow: \(error)")
      }
    default: throw .unreachable("A transaction could not be looked up: \(reply.errorText())")
    }
  }

  mutating func lost(_ request: RequestView, reason: String) throws(LoadError) {
    throw .unreachable("The connection was cut during the verification: \(reason)")
  }

  mutating func turn(nowNanoseconds: UInt64) {}
}
