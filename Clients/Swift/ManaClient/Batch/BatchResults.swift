internal import ManaProtocol
internal import NIOCore

/// What became of each transaction of a batch, in the batch's order: a receipt, or why it was refused.
///
/// A view of the reply where it lies: an element is decoded when it is asked for, in constant time. It keeps the bytes
/// of the request and of the reply alive.
public struct BatchResults: RandomAccessCollection, Sendable {
  /// A transaction's receipt or its refusal.
  public typealias Element = Result<Receipt, Refusal>

  /// The answer to one request.
  private struct Part {
    var start: Int
    var request: BatchChunk
    var reply: ByteBuffer
    var stride: Int
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

  public var startIndex: Int { 0 }
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
    let part = Part(start: count, request: request, reply: reply, stride: head.stride)
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
    let result = part.reply.withUnsafeReadableBytes {
      ItemResult(
        reading: $0.baseAddress! + BatchReplyView.preludeBytes + index * part.stride, stride: part.stride)
    }
    guard let result else {
      throw ProtocolError(.malformedBody, "result \(index) has a status or a flag outside version 1", detail: index)
    }
    let item = part.request.item(at: index)
    if result.status == .ok { return .success(try Receipt(result, id: TransactionID(item.id))) }
    return .failure(
      Refusal(
        transactionID: TransactionID(item.id), account: AccountID(item.account), status: result.status,
        amount: Mana(micromana: Int64(clamping: item.amount)), balance: Mana(micromana: result.balance),
        conflictField: result.field))
  }
}
