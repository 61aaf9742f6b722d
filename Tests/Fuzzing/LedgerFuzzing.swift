@testable import ManaJournal
@testable import ManaLedger
import ManaProtocol
import ManaTesting

/// Records and images that a ledger wrote, and that then were changed: a byte that says how many items, eight bytes for
/// each of them, then changes of three bytes each, where and what.
enum LedgerFuzzing {
  private static let itemBytes = 8

  /// Executed again, the records give a ledger without a contradiction, or what is wrong with them is named.
  static func records(_ input: UnsafeRawBufferPointer) {
    guard let (memory, changes) = ledger(input)?.memoryAndChanges else { return }
    guard !memory.blocks.isEmpty else { return }
    for change in changes {
      let block = memory.blocks[change.place % memory.blocks.count]
      block.bytes[change.place % block.bytes.count] ^= change.bits
    }
    var fresh = Ledger(records: memory.space, tableSeed: 5)
    do throws(ReplayError) {
      for block in memory.blocks {
        try fresh.replay(
          block: UnsafeRawBufferPointer(block.bytes), firstPosition: block.firstPosition,
          recordCount: block.recordCount)
      }
    } catch {
      return
    }
    fresh.checkInvariants()
  }

  /// A checkpoint whose hashes are right: its state is taken, or what is wrong with it is named. With an odd first byte
  /// the input is the file itself, of which only the head's checksum is put right.
  static func checkpoint(_ input: UnsafeRawBufferPointer) {
    guard let first = input.first else { return }
    if first & 1 == 1 { return read(rawFile(UnsafeRawBufferPointer(rebasing: input[1...]))) }
    guard let (content, memory, changes) = image(input) else { return }
    var bytes = content.bytes
    for change in changes { bytes[change.place % bytes.count] ^= change.bits }
    read(file(content: bytes), records: memory.space)
  }

  // MARK: What is changed

  struct Change {
    let place: Int
    let bits: UInt8
  }

  struct Sink: ImageSink {
    var bytes: [UInt8] = []
    mutating func append(_ more: UnsafeRawBufferPointer) { bytes += more }
  }

  /// A ledger in memory after one batch, and whatever timed out long after that.
  private struct Posted: ~Copyable {
    let memory = RecordMemory(segmentShift: 16, segmentsMax: 64)
    var ledger: Ledger
    var changes: [Change] = []

    init() { ledger = Ledger(records: memory.space, tableSeed: 3) }

    var memoryAndChanges: (RecordMemory, [Change]) { (memory, changes) }
  }

  private static func ledger(_ input: UnsafeRawBufferPointer) -> Posted? {
    guard let first = input.first else { return nil }
    let count = min(Int(first >> 1) % 48, (input.count - 1) / itemBytes)
    guard count > 0 else { return nil }
    var posted = Posted()
    var items = [UInt8](repeating: 0, count: count * Item.bytes)
    var results = [UInt8](repeating: 0, count: count * ItemResult.fullBytes)
    items.withUnsafeMutableBytes { items in
      for index in 0..<count {
        let bytes = UnsafeRawBufferPointer(rebasing: input[(1 + index * itemBytes)...])
        item(bytes).store(to: items.baseAddress! + index * Item.bytes)
      }
      results.withUnsafeMutableBytes { results in
        var writer = posted.memory.open(bytesMax: Ledger.recordBytesMax(items: count, textBytes: 0))
        _ = posted.ledger.post(
          ItemSource(items: UnsafeRawPointer(items.baseAddress!), count: count, text: nil), itemType: nil,
          atomic: false, now: 1_000, writer: &writer, results: results.baseAddress!,
          resultStride: ItemResult.fullBytes)
        posted.memory.close(writer)
      }
    }
    var writer = posted.memory.open(bytesMax: Ledger.expiryBytesMax(limit: 20))
    _ = posted.ledger.expire(now: 3_600_000_000_000, limit: 20, writer: &writer)
    posted.memory.close(writer)
    var rest = input[(1 + count * itemBytes)...]
    while rest.count >= 3 {
      let bytes = Array(rest.prefix(3))
      posted.changes.append(Change(place: Int(bytes[0]) | Int(bytes[1]) << 8, bits: bytes[2]))
      rest = rest.dropFirst(3)
    }
    return posted
  }

  private static func item(_ bytes: UnsafeRawBufferPointer) -> Item {
    Item(
      id: UInt128(bytes[0] % 64), account: UInt128(bytes[1] % 4), related: UInt128(bytes[2]),
      amount: UInt64(bytes[3]) << UInt64(bytes[4] % 56), type: TransactionType(rawValue: bytes[5] % 8) ?? .spend,
      flags: ItemFlags(rawValue: bytes[6]), operation: ManaProtocol.Operation(rawValue: bytes[7] % 10))
  }

  private static func image(_ input: UnsafeRawBufferPointer) -> (Sink, RecordMemory, [Change])? {
    guard let posted = ledger(input) else { return nil }
    var sink = Sink()
    // One segment with one block, which is all that the marks have to be of.
    for word in [1, 1, 1 | UInt64(512) << 32, 0] as [UInt64] { sink.append(number: word) }
    posted.ledger.writeImage(to: &sink)
    return (sink, posted.memory, posted.changes)
  }

  // MARK: The file

  private static let journal = JournalIdentity(ledgerID: 7, shard: 0, shardCount: 1, segmentBytes: 1 << 20)

  /// A checkpoint's file with this content, whatever it is, under hashes that are right.
  private static func file(content: [UInt8]) -> FuzzFile {
    var head = CheckpointHead(
      journal: journal, resume: BlockPlace(segment: 0, offset: 512), number: 1, blockHash: Hash128(), endPosition: 16,
      digest: content.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 32 + 32, as: UInt64.self) }, records: 1)
    head.contentBytes = content.count
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: head.fileBytes, alignment: 512)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    defer { bytes.deallocate() }
    let base = bytes.baseAddress!
    let perPiece = JournalLimits.checkpointPieceBytes - CheckpointHead.hashBytes
    var offset = CheckpointHead.bytes
    for start in stride(from: 0, to: content.count, by: perPiece) {
      let piece = content[start..<min(start + perPiece, content.count)]
      let length = BlockHeader.padded(CheckpointHead.hashBytes + piece.count)
      UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + CheckpointHead.hashBytes)...]).copyBytes(from: piece)
      let hash = Hash128(
        of: UnsafeRawBufferPointer(rebasing: bytes[offset + CheckpointHead.hashBytes..<offset + length]))
      base.storeLittle(hash.low, at: offset)
      base.storeLittle(hash.high, at: offset + 8)
      head.root = CheckpointHead.root(head.root, hash)
      offset += length
    }
    head.encode(into: base)
    return FuzzFile(UnsafeRawBufferPointer(bytes), bytes: bytes.count)
  }

  private static func rawFile(_ input: UnsafeRawBufferPointer) -> FuzzFile {
    let file = FuzzFile(input, bytes: max(512, BlockHeader.padded(input.count)))
    let base = file.bytes.baseAddress!
    base.storeLittle(CheckpointHead.magic, at: 8)
    base.storeLittle(CheckpointHead.formatVersion, at: 4)
    base.storeLittle(BlockHeader.crc(base + 4, CheckpointHead.bytes - 4), at: 0)
    return file
  }

  private struct Source: ImageSource {
    let source: CheckpointSource
    func read(into bytes: UnsafeMutableRawBufferPointer) throws(CheckpointFault) { try source.read(into: bytes) }
  }

  private static func read(_ file: FuzzFile, records: RecordSpace? = nil) {
    do throws(CheckpointFault) {
      let source = try CheckpointSource(path: "checkpoint", journal: journal, in: FuzzStorage(file: file))
      _ = try SegmentMarks.read(from: source)
      guard let records else { return try source.skipToEnd() }
      var image = Source(source: source)
      do throws(ImageError<CheckpointFault>) {
        let ledger = try Ledger.restored(from: &image, records: records, end: 1 << 30)
        try? source.finish(digest: ledger.digest)
      } catch {
        return
      }
    } catch {
      precondition(!error.reason.isEmpty)
    }
  }
}
