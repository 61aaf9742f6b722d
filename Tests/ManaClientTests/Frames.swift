import ManaProtocol

/// Frames as a server writes them, for scripts.
enum Frames {
  static func frame(
    _ opcode: UInt8, correlation: UInt64 = 0, flags: FrameHeader.Flags = [], status: Status = .ok,
    microseconds: UInt32 = 0, body: [UInt8] = []
  ) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: paddedToWords(body.count) - body.count)
    var bytes = [UInt8](repeating: 0, count: FrameHeader.bytes) + padded
    let header = FrameHeader(
      opcode: opcode, correlation: correlation, flags: flags, status: status, microseconds: microseconds)
    bytes.withUnsafeMutableBytes { FrameHeader.seal($0.baseAddress!, header, bodyBytes: padded.count) }
    return bytes
  }

  static func welcome(
    ledger: UInt128 = 7, itemsMax: Int = Limits.itemsMax, requestsInFlightMax: Int = Limits.requestsInFlightMax,
    bytesInFlightMax: Int = Limits.bytesInFlightMax
  ) -> [UInt8] {
    var welcome = Welcome(
      shardCount: 1, ledger: ledger, instance: 9, shardHashSeed: 3, time: 1_768_471_200_000_000_000,
      serverName: "scripted/1")
    welcome.itemsMax = itemsMax
    welcome.requestsInFlightMax = requestsInFlightMax
    welcome.bytesInFlightMax = bytesInFlightMax
    return frame(Opcode.welcome.rawValue, body: welcome.encoded)
  }

  static func goAway(_ status: Status, _ text: String = "", microseconds: UInt32 = 0) -> [UInt8] {
    frame(Opcode.goAway.rawValue, status: status, microseconds: microseconds, body: ErrorBody(text: text).encoded)
  }

  static func reply(to opcode: Opcode, _ correlation: UInt64, body: [UInt8] = []) -> [UInt8] {
    frame(opcode.rawValue | Opcode.replyBit, correlation: correlation, body: body)
  }

  static func refusal(
    of opcode: Opcode, _ correlation: UInt64, _ status: Status, flags: FrameHeader.Flags, _ text: String = "",
    microseconds: UInt32 = 0
  ) -> [UInt8] {
    frame(
      opcode.rawValue | Opcode.replyBit, correlation: correlation, flags: flags, status: status,
      microseconds: microseconds, body: ErrorBody(text: text).encoded)
  }

  /// The body of a reply to a posting call.
  static func results(_ results: [ItemResult]) -> [UInt8] {
    let posted = results.count { $0.status == .ok && !$0.replayed }
    let replayed = results.count { $0.status == .ok && $0.replayed }
    let stride = ItemResult.fullBytes
    var bytes = [UInt8](repeating: 0, count: BatchReplyView.bodyBytes(count: results.count, stride: stride))
    bytes.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      BatchReplyView.storePrelude(
        to: base, stride: stride, count: results.count, posted: posted, replayed: replayed)
      for (index, result) in results.enumerated() {
        result.store(to: base + BatchReplyView.preludeBytes + index * stride, stride: stride)
      }
    }
    return bytes
  }
}
