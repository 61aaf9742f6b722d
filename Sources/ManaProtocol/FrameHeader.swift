// The frame header, 32 bytes; offsets in bytes, integers little-endian:
//
//   0  u32  length          of the whole frame, a multiple of 8
//   4  u8   version         1
//   5  u8   headerWords     4 or more; what is beyond are extensions, see TraceContext.swift
//   6  u8   opcode
//   7  u8   flags           replies: bit 0 not executed, bit 1 retryable
//   8  u64  correlation
//  16  u16  status
//  18  u16  reserved        zero
//  20  u32  microseconds    requests: deadline; replies: retry after
//  24  u32  bodyChecksum    CRC32C of everything after byte 32
//  28  u32  headerChecksum  CRC32C of bytes 0..<28
//
// Valid: the header checksum matches, the version is 1, headerWords is at least 4 and within the length, the length is
// a multiple of 8 and at most the limit. The checksum is compared before any field is believed.

/// The first 32 bytes of a frame.
public struct FrameHeader: Equatable, Sendable {
  /// Bytes of the header that version 1 defines.
  public static let bytes = 32
  /// The only major version so far.
  public static let version: UInt8 = 1
  /// What a client sends first, and a server answers with.
  public static let preface: [UInt8] = [0x4D, 0x41, 0x4E, 0x41, 0x0D, 0x0A, 0x1A, 0x01]

  /// Bits of `flags` in a reply.
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Nothing of the request was or will be applied.
    public static let notExecuted = Flags(rawValue: 1)
    /// The same request may succeed later.
    public static let retryable = Flags(rawValue: 2)
  }

  /// Length of the whole frame in bytes.
  public var length: Int
  /// Length of the header in bytes, at least 32.
  public var headerBytes: Int
  /// The opcode as it came; see `Opcode`.
  public var opcode: UInt8
  public var flags: Flags
  /// Chosen by the client, repeated in the reply.
  public var correlation: UInt64
  /// The status as it came; see `Status`.
  public var status: UInt16
  public var reserved: UInt16
  /// Requests: the deadline counted from arrival, 0 for none. Replies: when to try again. In microseconds.
  public var microseconds: UInt32
  /// CRC32C of everything after the first 32 bytes.
  public var bodyChecksum: UInt32

  /// The header of a frame that is about to be written: its length and body checksum are set by `seal`.
  public init(
    opcode: UInt8, correlation: UInt64, flags: Flags = [], status: Status = .ok, microseconds: UInt32 = 0
  ) {
    length = Self.bytes
    headerBytes = Self.bytes
    self.opcode = opcode
    self.flags = flags
    self.correlation = correlation
    self.status = status.rawValue
    reserved = 0
    self.microseconds = microseconds
    bodyChecksum = 0
  }

  /// Reads and checks the 32 bytes at `base`.
  ///
  /// Throws a connection-level `ProtocolError`: after it, frame boundaries cannot be trusted. Constant time.
  public init(reading base: UnsafeRawPointer, frameBytesMax: Int = Limits.frameBytesMax) throws(ProtocolError) {
    guard crc32c(UnsafeRawBufferPointer(start: base, count: 28)) == base.u32(28) else {
      throw ProtocolError(.headerChecksumMismatch, "the checksum of a frame header does not match")
    }
    guard base.u8(4) == Self.version else {
      throw ProtocolError(.unsupportedVersion, "frame of version \(base.u8(4)); this end speaks version 1", detail: 4)
    }
    length = Int(base.u32(0))
    headerBytes = Int(base.u8(5)) * 8
    guard headerBytes >= Self.bytes, headerBytes <= length, length % 8 == 0 else {
      throw ProtocolError(.malformedHeader, "frame of \(length) bytes with a header of \(headerBytes)")
    }
    guard length <= frameBytesMax else {
      throw ProtocolError(.frameTooLarge, "frame of \(length) bytes; the most is \(frameBytesMax)")
    }
    opcode = base.u8(6)
    flags = Flags(rawValue: base.u8(7))
    correlation = base.u64(8)
    status = base.u16(16)
    reserved = base.u16(18)
    microseconds = base.u32(20)
    bodyChecksum = base.u32(24)
  }

  /// The body of the frame that starts at `base` and is there whole, once its checksum has been compared.
  ///
  /// Throws `bodyChecksumMismatch`, which concerns this frame alone. Linear in the body.
  public func body(at base: UnsafeRawPointer) throws(ProtocolError) -> UnsafeRawBufferPointer {
    let checked = UnsafeRawBufferPointer(start: base + Self.bytes, count: length - Self.bytes)
    guard crc32c(checked) == bodyChecksum else {
      throw ProtocolError(.bodyChecksumMismatch, "the checksum of a frame body does not match")
    }
    return UnsafeRawBufferPointer(start: base + headerBytes, count: length - headerBytes)
  }

  /// What stands between the 32 bytes of the header and the body of the frame that starts at `base`; believe it once
  /// `body(at:)` has compared the checksum. Constant time.
  public func extensions(at base: UnsafeRawPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Self.bytes, count: headerBytes - Self.bytes)
  }

  /// Checks what must be zero in a request.
  public func checkRequestReserved() throws(ProtocolError) {
    guard flags.isEmpty, status == 0, reserved == 0 else {
      throw ProtocolError(
        .reservedBits, "flags, status and reserved bytes of a request's header must be zero", detail: 7)
    }
  }

  /// Checks what must be zero in a reply, a `welcome` and a `goAway`.
  public func checkReplyReserved() throws(ProtocolError) {
    guard flags.isSubset(of: [.notExecuted, .retryable]), reserved == 0 else {
      throw ProtocolError(.reservedBits, "a reserved flag or byte of a reply's header is set", detail: 7)
    }
  }

  /// Completes the frame at `base`, whose `bodyBytes` bytes of body stand behind the 32 bytes for the header: computes
  /// both checksums and stores the header. `bodyBytes` is a multiple of 8. Linear in the body.
  public static func seal(_ base: UnsafeMutableRawPointer, _ header: FrameHeader, bodyBytes: Int) {
    precondition(bodyBytes % 8 == 0, "a body is padded to words")
    base.store(u32: UInt32(bytes + bodyBytes), 0)
    base.store(u8: version, 4)
    base.store(u8: UInt8(bytes / 8), 5)
    base.store(u8: header.opcode, 6)
    base.store(u8: header.flags.rawValue, 7)
    base.store(u64: header.correlation, 8)
    base.store(u16: header.status, 16)
    base.store(u16: 0, 18)
    base.store(u32: header.microseconds, 20)
    base.store(u32: crc32c(UnsafeRawBufferPointer(start: base + bytes, count: bodyBytes)), 24)
    base.store(u32: crc32c(UnsafeRawBufferPointer(start: base, count: 28)), 28)
  }
}
