import ManaProtocol

/// Frames: a byte that says what is put right, then the frame.
///
/// A checksum stops every input that was not made for it, and a fuzzer does not find one by chance. So most inputs get
/// theirs here, and what they say is what is tried.
enum FrameFuzzing {
  /// Bits of the first byte. Nothing set: everything is put right.
  private struct Kept: OptionSet {
    let rawValue: UInt8
    static let length = Kept(rawValue: 1)
    static let bodyChecksum = Kept(rawValue: 2)
    static let headerChecksum = Kept(rawValue: 4)
  }

  static func request(_ input: UnsafeRawBufferPointer) {
    withFrame(input) { header, body throws(ProtocolError) in
      try header.checkRequestReserved()
      try readRequest(opcode: header.opcode, body)
    }
  }

  static func reply(_ input: UnsafeRawBufferPointer) {
    withFrame(input) { header, body throws(ProtocolError) in
      try header.checkReplyReserved()
      if header.status != 0 || header.opcode == Opcode.goAway.rawValue {
        touch(try ErrorBody(reading: body).text)
      } else {
        try readReply(to: header.opcode & 0x7F, body)
      }
    }
  }

  static func handshake(_ input: UnsafeRawBufferPointer) {
    withFrame(input) { header, body throws(ProtocolError) in
      if header.opcode == Opcode.hello.rawValue {
        let hello = try Hello(reading: body)
        touch(hello.clientName)
        touch(hello.token?.count ?? 0)
        // What was understood is what is written again.
        let written = try again(hello.encoded) { bytes throws(ProtocolError) in try Hello(reading: bytes) }
        precondition(written == hello)
      } else {
        let welcome = try Welcome(reading: body)
        touch(welcome.serverName)
        let written = try again(welcome.encoded) { bytes throws(ProtocolError) in try Welcome(reading: bytes) }
        precondition(written == welcome)
      }
    }
  }

  private static func again<Value>(
    _ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws(ProtocolError) -> Value
  ) throws(ProtocolError) -> Value {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return try read(UnsafeRawBufferPointer(copy))
  }

  /// Reads the frame as a receiver does, in memory of exactly its length, and gives `body` what stands behind checksums.
  private static func withFrame(
    _ input: UnsafeRawBufferPointer, _ body: (FrameHeader, UnsafeRawBufferPointer) throws(ProtocolError) -> Void
  ) {
    guard input.count > FrameHeader.bytes else { return }
    let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count - 1, alignment: 8)
    defer { frame.deallocate() }
    frame.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[1...]))
    repair(frame, keeping: Kept(rawValue: input[0]))
    do throws(ProtocolError) {
      let base = UnsafeRawPointer(frame.baseAddress!)
      let header = try FrameHeader(reading: base)
      guard header.length <= frame.count else { return }
      try body(header, try header.body(at: base))
    } catch {
      // A refusal has a text, and a name in the specification.
      touch(error.description)
      touch(error.status.name)
    }
  }

  private static func repair(_ frame: UnsafeMutableRawBufferPointer, keeping kept: Kept) {
    let base = frame.baseAddress!
    if !kept.contains(.length) {
      base.store(u32: UInt32(frame.count & ~7), 0)
      base.store(u8: FrameHeader.version, 4)
      if UnsafeRawPointer(base).u8(5) < 4 { base.store(u8: 4, 5) }
    }
    let length = min(Int(UnsafeRawPointer(base).u32(0)), frame.count)
    if !kept.contains(.bodyChecksum), length >= FrameHeader.bytes {
      let checked = UnsafeRawBufferPointer(rebasing: frame[FrameHeader.bytes..<length])
      base.store(u32: crc32c(checked), 24)
    }
    if !kept.contains(.headerChecksum) {
      base.store(u32: crc32c(UnsafeRawBufferPointer(rebasing: frame[..<28])), 28)
    }
  }

  // MARK: Bodies

  private static func readRequest(opcode: UInt8, _ body: UnsafeRawBufferPointer) throws(ProtocolError) {
    switch Opcode(rawValue: opcode) {
    case .spend, .refund, .purchase, .bonus, .post, .settle:
      let batch = try BatchView(reading: body)
      touch(batch.text)
      for index in 0..<batch.count { touch(Item(reading: batch[index].base).id) }
    case .listTransactions:
      let (query, reference) = try HistoryQuery.read(body)
      touch(reference)
      touch(query.account)
    default: touch(body)
    }
  }

  private static func readReply(to opcode: UInt8, _ body: UnsafeRawBufferPointer) throws(ProtocolError) {
    switch Opcode(rawValue: opcode) {
    case .spend, .refund, .purchase, .bonus, .post, .settle:
      let results = try BatchReplyView(reading: body)
      for index in 0..<results.count { touch(results[index]?.balance ?? 0) }
    case .listTransactions, .listUnsettled:
      let page = try HistoryReplyView(reading: body)
      touch(page.text)
      for index in 0..<page.prelude.count { touch(page[index]) }
    case .getAccount: touch(try AccountOverview(reading: body).balance)
    case .lookupTransaction:
      let found = try LookupReplyView(reading: body)
      touch(found.text)
      touch(found.transaction)
    case .balanceAt: touch(try BalanceAt(reading: body).balance)
    case .serverStatus: touch(try ServerStatus(reading: body).accounts)
    default: touch(body)
    }
  }

  // MARK: Reading every byte that is offered

  private static func touch(_ transaction: TransactionView) {
    touch(transaction.sequence)
    touch(transaction.settlement?.rawValue ?? 0)
    touch(Item(reading: transaction.base).id)
  }

  private static func touch(_ bytes: UnsafeRawBufferPointer) { touch(bytes.reduce(0) { $0 &+ Int($1) }) }
  private static func touch(_ text: String) { touch(text.utf8.count) }

  /// Kept from being left out by the optimizer.
  @inline(never)
  @_optimize(none)
  private static func touch(_ number: some FixedWidthInteger) {}
}
