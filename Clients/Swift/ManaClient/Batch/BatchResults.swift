internal import ManaProtocol
internal import NIOCore

/// What became of each transaction of a batch, in the batch's order: a receipt, or why it was refused.
///
/// A view of the reply where it lies: an element is decoded when it is asked for, in constant time. It keeps the bytes
/// of the request and of the reply alive.
public struct BatchResults: RandomAccessCollection, Sendable {
  /// A transaction's receipt or its refusal.
  public typealias Element = Result<Receipt, Refusal>

  /// The answer to one request, of full results.
  ///
  /// Unchecked, because pointers are not sendable. Whoever wants to change a buffer that is shared copies it, so that what
  /// they point to does not change while `owners` are there.
  private struct Part: @unchecked Sendable {
    var start: Int
    let items: UnsafeRawPointer
    let results: UnsafeRawPointer
    let owners: (AnyObject, AnyObject)

    /// `request` begins with a batch's prelude, `reply` with that of its results.
    init(start: Int, request: ByteBuffer, reply: ByteBuffer) {
      func base(of buffer: ByteBuffer) -> (UnsafeRawPointer, AnyObject) {
        buffer.withUnsafeReadableBytesWithStorageManagement { ($0.baseAddress!, $1.takeUnretainedValue()) }
      }
      let ((request, requestOwner), (reply, replyOwner)) = (base(of: request), base(of: reply))
      self.start = start
      items = request + BatchView.preludeBytes
      results = reply + BatchReplyView.preludeBytes
      owners = (requestOwner, replyOwner)
    }
  }

  private var parts: [Part] = []

  /// Number of results, one a transaction.
  public private(set) var count = 0
  /// Transactions that were posted now.
  public private(set) var postedCount = 0
  /// Transactions that had been posted before, and were not posted again.
  public private(set) var replayedCount = 0
  /// Transactions that were refused.
  public var refusedCount: Int { count - postedCount - replayedCount }

  init() {}

  /// The first transaction of the batch.
  public var startIndex: Int { 0 }
  /// One past the last transaction of the batch.
  public var endIndex: Int { count }

  /// What became of transaction `index`. Constant time, or logarithmic in the requests that the batch was split into.
  public subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count, "result \(index) of \(count)")
    var (low, high) = (0, parts.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if parts[middle].start <= index { low = middle } else { high = middle - 1 }
    }
    do throws(ProtocolError) {
      return try Self.result(of: parts[low], index - parts[low].start)
    } catch {
      preconditionFailure("every result was decoded once when the reply came: \(error)")
    }
  }

  /// Adds the answer to a request.
  ///
  /// Throws `malformedBody` when the reply is none to this request. Linear: every result is looked at, so that
  /// the subscript cannot fail.
  mutating func append(_ request: BatchChunk, reply: ByteBuffer) throws(ProtocolError) {
    let head = try reply.decoded { (bytes) throws(ProtocolError) in
      let view = try BatchReplyView(reading: bytes)
      return (stride: view.stride, count: view.count, posted: view.postedCount, replayed: view.replayedCount)
    }
    guard head.count == request.count, head.stride == ItemResult.fullBytes else {
      throw ProtocolError(
        .malformedBody, "\(head.count) results of \(head.stride) bytes to a batch of \(request.count)")
    }
    let part = Part(start: count, request: request.items, reply: reply)
    var (posted, replayed) = (0, 0)
    for index in 0..<head.count {
      guard case .success(let receipt) = try Self.result(of: part, index) else { continue }
      if receipt.replayed { replayed += 1 } else { posted += 1 }
    }
    guard posted == head.posted, replayed == head.replayed else {
      throw ProtocolError(.malformedBody, "the counts of the reply do not add up")
    }
    parts.append(part)
    count += head.count
    postedCount += posted
    replayedCount += replayed
  }

  private static func result(of part: Part, _ index: Int) throws(ProtocolError) -> Element {
    let place = part.results + index * ItemResult.fullBytes
    guard let result = ItemResult(reading: place, stride: ItemResult.fullBytes) else {
      throw ProtocolError(.malformedBody, "result \(index) has a status or a flag outside version 1", detail: index)
    }
    let item = ItemView(part.items + index * Item.bytes)
    return try outcome(result, id: item.id, account: item.account, amount: item.amount)
  }

  /// What a result says about the item that it answers. Throws `malformedBody` for an amount above 2^63 − 1.
  @inline(__always)
  static func outcome(
    _ result: ItemResult, id: UInt128, account: UInt128, amount: UInt64
  ) throws(ProtocolError) -> Element {
    if result.status == .ok { return .success(try Receipt(result, id: TransactionID(id))) }
    return .failure(
      Refusal(
        transactionID: TransactionID(id), account: AccountID(account), status: result.status,
        amount: Mana(micromana: Int64(clamping: amount)), balance: Mana(micromana: result.balance),
        conflictField: result.field))
  }
}
