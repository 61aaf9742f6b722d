internal import ManaProtocol
internal import NIOCore

extension Hello {
  /// What a client sends first, at once: its preface and its hello frame.
  static func greeting(ledger: LedgerID?, instance: UInt128, clientName: String, token: String?) -> ByteBuffer {
    let body = Hello(
      ledger: ledger?.number ?? 0, instance: instance, clientName: clientName, token: token
    ).encoded
    var buffer = ByteBuffer(bytes: FrameHeader.preface)
    let header = FrameHeader(opcode: Opcode.hello.rawValue, correlation: 0)
    let start = buffer.writerIndex
    buffer.writeRepeatingByte(0, count: FrameHeader.bytes)
    buffer.writeBytes(body)
    buffer.withUnsafeMutableReadableBytes {
      FrameHeader.seal($0.baseAddress! + start, header, bodyBytes: body.count)
    }
    return buffer
  }
}
