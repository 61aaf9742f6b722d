// hello:                                                welcome:
//
//   0  u8   versionMin                                    0  u8   version
//   1  u8   versionMax                                    1  3 bytes reserved
//   2  6 bytes reserved                                   4  u32  shardCount
//   8  u64  features                                      8  u64  features
//  16  u128 ledger          0 any                        16  u128 ledger
//  32  u128 instance                                     32  u128 instance
//  48  u32  frameBytesMax                                48  u32  frameBytesMax
//  52  u32  extensionBytes                               52  u32  itemsMax
//  56  extensions                                        56  u32  requestsInFlightMax
//                                                        60  u32  bytesInFlightMax
//  extension: u16 kind (bit 15 critical) · u16 length    64  u64  shardHashSeed
//             · value · padding to 8                     72  u64  time
//                                                        80  u32  pageMax
//                                                        84  u32  extensionBytes
//                                                        88  extensions

/// Something that a handshake carries beyond its fixed part.
public struct HandshakeExtension: Equatable, Sendable {
  /// Kinds of version 1.
  public static let clientName: UInt16 = 1
  public static let token: UInt16 = 2
  public static let serverName: UInt16 = 3
  /// Set in a kind that a receiver must not skip.
  public static let criticalBit: UInt16 = 0x8000

  public var kind: UInt16
  public var value: [UInt8]

  public init(kind: UInt16, value: [UInt8]) {
    self.kind = kind
    self.value = value
  }

  /// The extension as bytes, padding included.
  var encoded: [UInt8] {
    var bytes: [UInt8] = [UInt8(kind & 0xFF), UInt8(kind >> 8), UInt8(value.count & 0xFF), UInt8(value.count >> 8)]
    bytes += value
    bytes += [UInt8](repeating: 0, count: paddedToWords(bytes.count) - bytes.count)
    return bytes
  }

  /// Reads a whole extension area.
  ///
  /// Throws `malformedHello` when lengths run over, `criticalExtensionUnknown` for a critical kind not in `known`.
  static func readAll(
    _ area: UnsafeRawBufferPointer, known: Set<UInt16>
  ) throws(ProtocolError) -> [HandshakeExtension] {
    var result: [HandshakeExtension] = []
    var unknown: UInt16?
    var offset = 0
    while offset < area.count {
      guard area.count - offset >= 8, let base = area.baseAddress else {
        throw ProtocolError(.malformedHello, "an extension runs over the end", detail: offset)
      }
      let kind = base.u16(offset)
      let length = Int(base.u16(offset + 2))
      let padded = paddedToWords(4 + length)
      guard padded <= area.count - offset else {
        throw ProtocolError(.malformedHello, "an extension of \(length) bytes runs over the end", detail: offset)
      }
      guard base.isZero(offset + 4 + length, count: padded - 4 - length) else {
        throw ProtocolError(.malformedHello, "the padding of an extension is not zero", detail: offset)
      }
      if kind & criticalBit != 0, !known.contains(kind & ~criticalBit) { unknown = unknown ?? kind & ~criticalBit }
      result.append(
        HandshakeExtension(
          kind: kind & ~criticalBit,
          value: [UInt8](UnsafeRawBufferPointer(start: base + offset + 4, count: length))))
      offset += padded
    }
    // Only now: an area whose lengths do not fit is malformed, whatever stands in it.
    if let unknown {
      throw ProtocolError(.criticalExtensionUnknown, "critical extension \(unknown) is not known here")
    }
    return result
  }
}

/// The client's half of the handshake.
public struct Hello: Equatable, Sendable {
  /// Bytes before the extensions.
  public static let fixedBytes = 56

  public var versionMin: UInt8 = 1
  public var versionMax: UInt8 = 1
  public var features: UInt64 = 0
  /// The ledger that the client expects, 0 for any.
  public var ledger: UInt128
  /// A random number of the client process.
  public var instance: UInt128
  /// Largest frame that the client accepts, in bytes.
  public var frameBytesMax = Limits.frameBytesMax
  public var extensions: [HandshakeExtension]

  public init(ledger: UInt128 = 0, instance: UInt128, clientName: String, token: String? = nil) {
    self.ledger = ledger
    self.instance = instance
    extensions = [HandshakeExtension(kind: HandshakeExtension.clientName, value: [UInt8](clientName.utf8))]
    if let token { extensions.append(HandshakeExtension(kind: HandshakeExtension.token, value: [UInt8](token.utf8))) }
  }

  /// The name that the client gave itself, empty when it gave none or one that is not UTF-8.
  public var clientName: String {
    extensions.first { $0.kind == HandshakeExtension.clientName }
      .flatMap { String(validating: $0.value, as: UTF8.self) } ?? ""
  }

  /// The client's token as it came, a secret; nil when it sent none or an empty one, or one that is not UTF-8.
  public var token: [UInt8]? {
    extensions.first { $0.kind == HandshakeExtension.token }
      .flatMap { $0.value.isEmpty || String(validating: $0.value, as: UTF8.self) == nil ? nil : $0.value }
  }

  /// The body as bytes.
  public var encoded: [UInt8] {
    let area = extensions.flatMap(\.encoded)
    return [UInt8](unsafeUninitializedCapacity: Self.fixedBytes) { buffer, count in
      let base = UnsafeMutableRawPointer(buffer.baseAddress!)
      base.store(u8: versionMin, 0)
      base.store(u8: versionMax, 1)
      base.zero(2, count: 6)
      base.store(u64: features, 8)
      base.store(u128: ledger, 16)
      base.store(u128: instance, 32)
      base.store(u32: UInt32(frameBytesMax), 48)
      base.store(u32: UInt32(area.count), 52)
      count = Self.fixedBytes
    } + area
  }

  /// Reads a `hello` body. Whether its ledger is the right one, the server decides.
  ///
  /// Throws connection-level errors. Linear in the extensions, which `helloBytesMax` bounds.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.fixedBytes, let base = body.baseAddress else {
      throw ProtocolError(.malformedHello, "a hello takes at least 56 bytes, this one has \(body.count)")
    }
    versionMin = base.u8(0)
    versionMax = base.u8(1)
    guard versionMin <= versionMax, base.isZero(2, count: 6) else {
      throw ProtocolError(.malformedHello, "versions \(versionMin) to \(versionMax), or reserved bytes set")
    }
    guard Int(base.u32(52)) == body.count - Self.fixedBytes else {
      throw ProtocolError(.malformedHello, "the extensions do not fill the body", detail: 52)
    }
    guard versionMin <= FrameHeader.version, FrameHeader.version <= versionMax else {
      throw ProtocolError(
        .unsupportedVersion, "the client speaks versions \(versionMin) to \(versionMax), this server version 1")
    }
    features = base.u64(8)
    ledger = base.u128(16)
    instance = base.u128(32)
    frameBytesMax = Int(base.u32(48))
    guard frameBytesMax >= Limits.clientFrameBytesMin else {
      throw ProtocolError(.malformedHello, "frames of \(frameBytesMax) bytes are too small", detail: 48)
    }
    extensions = try HandshakeExtension.readAll(
      UnsafeRawBufferPointer(rebasing: body[Self.fixedBytes...]),
      known: [HandshakeExtension.clientName, HandshakeExtension.token])
  }
}

/// The server's half of the handshake: who it is, and its limits.
public struct Welcome: Equatable, Sendable {
  /// Bytes before the extensions.
  public static let fixedBytes = 88

  public var version: UInt8 = FrameHeader.version
  public var shardCount: Int
  public var features: UInt64 = 0
  /// Id of this ledger.
  public var ledger: UInt128
  /// A random number, new at each start of the server.
  public var instance: UInt128
  public var frameBytesMax = Limits.frameBytesMax
  public var itemsMax = Limits.itemsMax
  public var requestsInFlightMax = Limits.requestsInFlightMax
  public var bytesInFlightMax = Limits.bytesInFlightMax
  public var shardHashSeed: UInt64
  /// The server's clock, nanoseconds since 1970.
  public var time: UInt64
  public var pageMax = Limits.pageMax
  public var extensions: [HandshakeExtension]

  public init(
    shardCount: Int, ledger: UInt128, instance: UInt128, shardHashSeed: UInt64, time: UInt64, serverName: String
  ) {
    self.shardCount = shardCount
    self.ledger = ledger
    self.instance = instance
    self.shardHashSeed = shardHashSeed
    self.time = time
    extensions = [HandshakeExtension(kind: HandshakeExtension.serverName, value: [UInt8](serverName.utf8))]
  }

  /// Name and version of the server, empty when it gave none.
  public var serverName: String {
    extensions.first { $0.kind == HandshakeExtension.serverName }
      .flatMap { String(validating: $0.value, as: UTF8.self) } ?? ""
  }

  /// The body as bytes.
  public var encoded: [UInt8] {
    let area = extensions.flatMap(\.encoded)
    return [UInt8](unsafeUninitializedCapacity: Self.fixedBytes) { buffer, count in
      let base = UnsafeMutableRawPointer(buffer.baseAddress!)
      base.store(u8: version, 0)
      base.zero(1, count: 3)
      base.store(u32: UInt32(shardCount), 4)
      base.store(u64: features, 8)
      base.store(u128: ledger, 16)
      base.store(u128: instance, 32)
      base.store(u32: UInt32(frameBytesMax), 48)
      base.store(u32: UInt32(itemsMax), 52)
      base.store(u32: UInt32(requestsInFlightMax), 56)
      base.store(u32: UInt32(bytesInFlightMax), 60)
      base.store(u64: shardHashSeed, 64)
      base.store(u64: time, 72)
      base.store(u32: UInt32(pageMax), 80)
      base.store(u32: UInt32(area.count), 84)
      count = Self.fixedBytes
    } + area
  }

  /// Reads a `welcome` body. Throws `malformedHello` when it cannot be one, `unsupportedVersion`, `reservedBits`.
  public init(reading body: UnsafeRawBufferPointer) throws(ProtocolError) {
    guard body.count >= Self.fixedBytes, let base = body.baseAddress,
      Int(base.u32(84)) == body.count - Self.fixedBytes
    else { throw ProtocolError(.malformedHello, "a welcome of \(body.count) bytes") }
    version = base.u8(0)
    guard version == FrameHeader.version else {
      throw ProtocolError(.unsupportedVersion, "the server answers in version \(version); this client speaks version 1")
    }
    guard base.isZero(1, count: 3) else {
      throw ProtocolError(.reservedBits, "reserved bytes of a welcome are set", detail: 1)
    }
    shardCount = Int(base.u32(4))
    features = base.u64(8)
    ledger = base.u128(16)
    instance = base.u128(32)
    frameBytesMax = Int(base.u32(48))
    itemsMax = Int(base.u32(52))
    requestsInFlightMax = Int(base.u32(56))
    bytesInFlightMax = Int(base.u32(60))
    shardHashSeed = base.u64(64)
    time = base.u64(72)
    pageMax = Int(base.u32(80))
    guard shardCount > 0, frameBytesMax >= Limits.clientFrameBytesMin, itemsMax > 0, requestsInFlightMax > 0,
      bytesInFlightMax > 0, pageMax > 0
    else { throw ProtocolError(.malformedHello, "a welcome with limits of zero") }
    extensions = try HandshakeExtension.readAll(
      UnsafeRawBufferPointer(rebasing: body[Self.fixedBytes...]), known: [HandshakeExtension.serverName])
  }
}
