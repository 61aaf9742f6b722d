// A frame header in front of a payload that lies elsewhere and whose checksum is known. Offsets as in FrameHeader.swift of
// ManaProtocol, 32 bytes:
//
//   0  u32  length          16  u16  status, zero
//   4  u8   version 1       18  u16  reserved, zero
//   5  u8   headerWords     20  u32  microseconds
//   6  u8   opcode          24  u32  bodyChecksum
//   7  u8   flags, zero     28  u32  headerChecksum, CRC32C of bytes 0..<28
//   8  u64  correlation

internal import ManaProtocol

extension FrameHeader {
  /// Writes the header of a request to the 32 bytes at `base`. Constant time: the payload is not looked at.
  ///
  /// - Parameters:
  ///   - headerBytes: of the whole header, with the extensions that the payload begins with.
  ///   - payloadBytes: of what follows the 32 bytes.
  static func storeRequest(
    to base: UnsafeMutableRawPointer, _ opcode: Opcode, correlation: UInt64, microseconds: UInt32,
    headerBytes: Int, payloadBytes: Int, payloadChecksum: UInt32
  ) {
    base.store(u32: UInt32(bytes + payloadBytes), 0)
    base.store(u8: version, 4)
    base.store(u8: UInt8(headerBytes / 8), 5)
    base.store(u8: opcode.rawValue, 6)
    base.store(u8: 0, 7)
    base.store(u64: correlation, 8)
    base.store(u32: 0, 16)
    base.store(u32: microseconds, 20)
    base.store(u32: payloadChecksum, 24)
    base.store(u32: crc32c(UnsafeRawBufferPointer(start: base, count: 28)), 28)
  }
}
