import ManaProtocol
import Testing

/// The code tables and limits of the specification against the constants of the code.
@Suite struct CodeTableTests {
  let specification = try! Specification()

  @Test func statuses() {
    let rows = specification.table(under: "9. Statuses", first: "code")
    let specified = rows.map { "\($0[0]) \($0[1])" }
    #expect(specified == Status.allCases.map { "\($0.rawValue) \($0.name)" })
    #expect(rows.map { Int($0[0])! } == rows.map { Int($0[0])! }.sorted(), "precedence is the order of the codes")
  }

  @Test func statusLevels() throws {
    for row in specification.table(under: "9. Statuses", first: "code").dropFirst() {
      let code = try #require(UInt16(row[0]))
      let levels = row[2].split(separator: ", ").map(String.init)
      switch code {
      case ..<256: #expect(levels.contains("item") || row[1] == "transactionUnknown", "\(row)")
      case ..<512: #expect(levels.contains("request"), "\(row)")
      default: #expect(levels == ["connection"], "\(row)")
      }
      let status = try #require(Status(rawValue: code))
      #expect(status.isRetryable == row[3].hasPrefix("retryable"), "\(row)")
    }
  }

  @Test func types() throws {
    let rows = specification.table(under: "Codes", first: "type")
    #expect(rows.map { "\($0[1]) \($0[0])" } == TransactionType.allCases.map { "\($0.rawValue) \($0.name)" })
    for row in rows {
      let type = try #require(TransactionType(name: row[0]))
      let codes = row[3].split(separator: " to ").compactMap { UInt8($0) }
      let belonging = Operation.allCases.filter { $0.type == type }.map(\.rawValue)
      #expect(belonging == (codes == [0] ? [] : Array(codes[0]...codes[codes.count - 1])), "\(row)")
    }
    #expect(TransactionType.recorded == TransactionType.allCases.filter { $0 != .settlement })
  }

  @Test func operations() {
    let rows = specification.table(under: "Codes", first: "operation")
    #expect(rows.map { "\($0[1]) \($0[0])" } == Operation.allCases.map { "\($0.rawValue) \($0.name)" })
    #expect(Operation.allCases.allSatisfy { Operation(name: $0.name) == $0 })
  }

  @Test func namesThatAreNone() {
    #expect(TransactionType(name: "gift") == nil && Operation(name: "spend") == nil)
  }

  /// Calls that post have items of their type; `post` has items of any.
  @Test func typesOfCalls() {
    let types = Dictionary(uniqueKeysWithValues: Opcode.allCases.map { ($0, $0.itemType) }).compactMapValues(\.self)
    #expect(
      types == [.spend: .spend, .refund: .refund, .purchase: .purchase, .bonus: .bonus, .settle: .settlement])
    #expect(Set(Opcode.allCases.filter(\.isPosting)) == Set(types.keys).union([.post]))
  }

  @Test func opcodes() {
    let rows = specification.table(under: "3. Frame header", first: "opcode")
    let halves = rows.flatMap { [Array($0[0...1]), Array($0[4...5])] }.filter { $0[0] != "" }
    let specified = Dictionary(uniqueKeysWithValues: halves.map { ($0[1], UInt8($0[0], radix: 16)) })
    let coded = Dictionary(uniqueKeysWithValues: Opcode.allCases.map { ("\($0)", Optional($0.rawValue)) })
    #expect(specified == coded)
    // A reply's opcode is its request's with bit 7 set, so no request may have the bit or become another frame by it.
    for opcode in Opcode.allCases where opcode.rawValue & Opcode.replyBit == 0 && opcode != .hello {
      #expect(Opcode(rawValue: opcode.rawValue | Opcode.replyBit) == nil)
    }
  }

  @Test func limits() {
    let specified = Dictionary(
      uniqueKeysWithValues: specification.table(under: "10. Limits", first: "limit").map {
        ($0[0], Int($0[1].filter { $0 != "," }))
      })
    let coded: [String: Int?] = [
      "frameBytesMax": Limits.frameBytesMax, "helloBytesMax": Limits.helloBytesMax, "itemsMax": Limits.itemsMax,
      "pageMax": Limits.pageMax, "requestsInFlightMax": Limits.requestsInFlightMax,
      "bytesInFlightMax": Limits.bytesInFlightMax, "textBytesMax": Limits.textBytesMax,
      "pingBytesMax": Limits.pingBytesMax, "settlementMillisecondsMin": Int(Limits.settlementMillisecondsMin),
      "settlementMillisecondsMax": Int(Limits.settlementMillisecondsMax),
      "handshakeMilliseconds": Limits.handshakeMilliseconds,
    ]
    #expect(specified == coded)
  }

  /// What the reasons in the table of limits claim.
  @Test func limitsFitTogether() {
    let largestPage =
      HistoryReplyPrelude.bytes + Limits.pageMax * (TransactionView.bytes + 2 * Limits.textBytesMax)
    #expect(FrameHeader.bytes + paddedToWords(largestPage) <= Limits.frameBytesMax)
    let fullBatch = FrameHeader.bytes + BatchView.bodyBytes(count: Limits.itemsMax, textBytes: 0)
    #expect(fullBatch < 512 << 10)
    #expect(fullBatch + Item.bytes >= 512 << 10, "one more item would not stay below 512 KiB")
    #expect(
      FrameHeader.bytes + BatchReplyView.bodyBytes(count: Limits.itemsMax, stride: ItemResult.fullBytes)
        <= Limits.frameBytesMax)
    #expect(Limits.textBytesMax == Int(UInt8.max))
    #expect(Limits.amountMax == UInt64(Int64.max))
  }

  @Test func preface() {
    #expect(FrameHeader.preface == [0x4D, 0x41, 0x4E, 0x41, 0x0D, 0x0A, 0x1A, 0x01])
  }

  @Test func checksum() {
    let check: (String) -> UInt32 = { text in [UInt8](text.utf8).withUnsafeBytes { crc32c($0) } }
    #expect(check("123456789") == 0xE306_9283)
    #expect(check("") == 0)
  }
}
