import ManaLedger
import ManaProtocol

/// A request, or the piece of one that concerns one shard, on its way from the shard that received it to the shard that
/// executes it and back.
///
/// `@unchecked Sendable`: at each moment exactly one shard holds it. It goes through a mailbox, whose lock orders what
/// one side wrote before what the other reads, and the sender does not touch it again until it comes back.
final class Part: @unchecked Sendable {
  /// Where the answer goes.
  struct Origin: Sendable {
    let shard: Int
    let session: UInt64
    let gather: UInt64
  }

  let origin: Origin
  let opcode: Opcode
  /// The request: for posting, items and then text; for reads the body as it came.
  let request: UnsafeMutableRawBufferPointer
  /// Number of items; 0 for a read.
  let itemCount: Int
  let atomic: Bool
  let resultStride: Int
  /// The place of each item in the whole batch; empty when this is the whole batch.
  let indices: [UInt16]
  /// Largest reply body that the caller takes, in bytes.
  let replyBytesMax: Int

  // What the executing shard fills in.

  /// For posting, the results, in order. For reads, the reply's body.
  private(set) var reply: UnsafeMutableRawBufferPointer
  /// Why nothing, or nothing beyond `progress`, was executed.
  var error: ProtocolError?
  /// How far the execution is: it stops where the journal has no room.
  var progress = PostProgress()
  /// The block that the reply waits for.
  var block: UInt64 = 0
  /// The record that it waits for; nil when it has what it needs.
  var absent: AbsentRecord?
  /// Those that it has waited for.
  var pinned: PinnedRecords?

  /// Takes over `request`, which is freed with the part. `resultStride` is 0 for a read.
  init(
    origin: Origin, opcode: Opcode, request: UnsafeMutableRawBufferPointer, itemCount: Int, atomic: Bool,
    resultStride: Int, indices: [UInt16], replyBytesMax: Int
  ) {
    self.origin = origin
    self.opcode = opcode
    self.request = request
    self.itemCount = itemCount
    self.atomic = atomic
    self.resultStride = resultStride
    self.indices = indices
    self.replyBytesMax = replyBytesMax
    reply = .allocate(byteCount: itemCount * resultStride, alignment: 8)
  }

  deinit {
    request.deallocate()
    reply.deallocate()
  }

  /// Takes over what was executed of it already: so many items with their results, and their texts.
  func begin(at progress: PostProgress, results: UnsafeRawPointer) {
    self.progress = progress
    reply.baseAddress?.copyMemory(from: results, byteCount: progress.item * resultStride)
  }

  /// Takes a copy of a read's reply body.
  func setReply(_ body: UnsafeRawBufferPointer) {
    reply.deallocate()
    reply = .allocate(byteCount: body.count, alignment: 8)
    reply.copyMemory(from: body)
  }
}

/// A request whose parts are under way on other shards; kept by the shard that received it.
struct Gather {
  let session: UInt64
  let header: FrameHeader
  /// When the request came, on the loop's clock.
  let arrival: UInt64
  let requestBytes: Int
  let itemCount: Int
  let resultStride: Int
  var missing: Int
  var posted = 0
  var replayed = 0
  /// The first error of a part, and how many items were executed nevertheless.
  var error: ProtocolError?
  var executed = 0
  /// The reply's frame, with the results in order behind header and prelude; empty for a read.
  let frame: UnsafeMutableRawBufferPointer
  /// What has to be accounted for in the end, if it makes Mana.
  let credit: CreditPermit?
  /// How much it has made, in micromana; counted where the caller's day is limited.
  var credited: UInt64 = 0
}

/// How far a part is executed.
struct PostProgress {
  /// The next item, and where its text begins.
  var item = 0
  var textOffset = 0
  var posted = 0
  var replayed = 0
}
