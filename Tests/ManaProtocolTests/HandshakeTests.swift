import ManaProtocol
import Testing

/// What the two ends say of themselves, and what of it is not believed.
@Suite struct HandshakeTests {
  private static func hello(_ extensions: [HandshakeExtension]) -> Hello {
    var hello = Hello(instance: 1, clientName: "")
    hello.extensions = extensions
    return hello
  }

  private static func of(_ kind: UInt16, _ value: String) -> HandshakeExtension {
    HandshakeExtension(kind: kind, value: Array(value.utf8))
  }

  /// A name or a token that is missing, empty or not UTF-8 is none.
  @Test func namesAndTokens() {
    let said = Hello(instance: 1, clientName: "shop", token: "secret")
    #expect(said.clientName == "shop" && said.token == Array("secret".utf8))
    #expect(Hello(instance: 1, clientName: "shop").token == nil)
    let notText: [UInt8] = [0xFF, 0xFE]
    for hello in [
      Self.hello([]), Self.hello([Self.of(77, "x")]),
      Self.hello([Self.of(HandshakeExtension.token, ""), Self.of(HandshakeExtension.clientName, "")]),
      Self.hello([
        HandshakeExtension(kind: HandshakeExtension.token, value: notText),
        HandshakeExtension(kind: HandshakeExtension.clientName, value: notText),
      ]),
    ] {
      #expect(hello.token == nil && hello.clientName == "")
    }
    var welcome = Welcome(shardCount: 1, ledger: 1, instance: 1, shardHashSeed: 1, time: 1, serverName: "mana 1")
    #expect(welcome.serverName == "mana 1")
    welcome.extensions = [HandshakeExtension(kind: HandshakeExtension.serverName, value: notText)]
    #expect(welcome.serverName == "")
    welcome.extensions = []
    #expect(welcome.serverName == "")
  }

  /// The status that reading a hello with this change gives; nil when it is taken.
  private func refusal(_ hello: Hello, _ change: (inout [UInt8]) -> Void = { _ in }) -> Status? {
    var bytes = hello.encoded
    change(&bytes)
    let guarded = GuardedBytes(bytes)
    do throws(ProtocolError) {
      _ = try Hello(reading: guarded.bytes)
      return nil
    } catch {
      return error.status
    }
  }

  @Test func whatMustBeKnown() {
    let critical = HandshakeExtension.criticalBit
    #expect(refusal(Self.hello([Self.of(HandshakeExtension.token | critical, "t")])) == nil)
    #expect(refusal(Self.hello([Self.of(77, "t")])) == nil)
    let unknown = Self.hello([Self.of(77 | critical, "t"), Self.of(78 | critical, "t"), Self.of(79, "t")])
    #expect(refusal(unknown) == .criticalExtensionUnknown)
    // Lengths that do not fit come first, whatever stands there.
    #expect(refusal(unknown) { $0[$0.count - 6] = 200 } == .malformedHello)
  }

  @Test(
    arguments: [
      ("versions the wrong way round", 0, 2, .malformedHello), ("a reserved byte", 3, 1, .malformedHello),
      ("frames that are too small", 50, 0, .malformedHello), ("extensions that do not fill it", 52, 1, .malformedHello),
      ("padding that is set", 56 + 7, 1, .malformedHello), ("an extension that runs over", 58, 200, .malformedHello),
    ] as [(String, Int, UInt8, Status)])
  func aHelloThatCannotBe(what: String, offset: Int, value: UInt8, expected: Status) {
    let hello = Self.hello([Self.of(77, "abc")])
    #expect(refusal(hello) == nil)
    #expect(refusal(hello) { $0[offset] = value } == expected)
  }

  @Test func versionsThatDoNotMeet() {
    #expect(refusal(Self.hello([])) { ($0[0], $0[1]) = (2, 3) } == .unsupportedVersion)
    #expect(refusal(Self.hello([])) { ($0[0], $0[1]) = (0, 0) } == .unsupportedVersion)
    #expect(refusal(Self.hello([])) { ($0[0], $0[1]) = (0, 3) } == nil)
    // Half an extension.
    #expect(
      refusal(Self.hello([])) {
        $0 += [1, 0, 0, 0]
        $0[52] = 4
      } == .malformedHello)
  }

  @Test(
    arguments: [
      (0, 2, .unsupportedVersion), (1, 1, .reservedBits), (4, 0, .malformedHello), (50, 0, .malformedHello),
      (84, 1, .malformedHello),
    ] as [(Int, UInt8, Status)])
  func aWelcomeThatCannotBe(offset: Int, value: UInt8, expected: Status) {
    var welcome = Welcome(shardCount: 1, ledger: 1, instance: 1, shardHashSeed: 1, time: 1, serverName: "")
    welcome.frameBytesMax = Limits.clientFrameBytesMin
    var bytes = welcome.encoded
    bytes[offset] = value
    let guarded = GuardedBytes(bytes)
    do throws(ProtocolError) {
      _ = try Welcome(reading: guarded.bytes)
      Issue.record("taken")
    } catch {
      #expect(error.status == expected)
    }
  }
}

/// What replies have in their headers, and what is said of errors.
@Suite struct ReplyTests {
  private static func read(_ header: FrameHeader, _ change: (UnsafeMutableRawPointer) -> Void = { _ in }) throws
    -> FrameHeader
  {
    let bytes = BodyKind.bytes(FrameHeader.bytes + 8) { base in
      FrameHeader.seal(base, header, bodyBytes: 8)
      change(base)
      base.store(u32: crc32c(UnsafeRawBufferPointer(start: UnsafeRawPointer(base), count: 28)), 28)
    }
    return try bytes.withUnsafeBytes { try FrameHeader(reading: $0.baseAddress!) }
  }

  @Test func reservedBitsOfReplies() throws {
    let header = FrameHeader(opcode: 0x90, correlation: 1, flags: [.notExecuted, .retryable], status: .overloaded)
    try Self.read(header).checkReplyReserved()
    for (offset, value) in [(7, UInt8(4)), (18, 1), (19, 1)] {
      let damaged = try Self.read(header) { $0.store(u8: value, offset) }
      do throws(ProtocolError) {
        try damaged.checkReplyReserved()
        Issue.record("byte \(offset) was taken")
      } catch {
        #expect(error.status == .reservedBits && error.detail == 7)
      }
    }
  }

  @Test func extensionsStandBeforeTheBody() throws {
    let bytes = BodyKind.bytes(FrameHeader.bytes + 24) { base in
      base.store(u64: 7, 32)
      base.store(u64: 8, 40)
      base.store(u64: 9, 48)
      FrameHeader.seal(base, FrameHeader(opcode: 0x30, correlation: 1), bodyBytes: 24)
      base.store(u8: 6, 5)
      base.store(u32: crc32c(UnsafeRawBufferPointer(start: UnsafeRawPointer(base), count: 28)), 28)
    }
    try bytes.withUnsafeBytes { frame in
      let base = try #require(frame.baseAddress)
      let header = try FrameHeader(reading: base)
      let (extensions, body) = (header.extensions(at: base), try header.body(at: base))
      #expect(extensions.count == 16 && extensions.baseAddress!.u64(0) == 7 && extensions.baseAddress!.u64(8) == 8)
      #expect(body.count == 8 && body.baseAddress!.u64(0) == 9)
    }
  }

  @Test func whatIsSaidOfAnError() {
    let error = ProtocolError(.malformedBody, "too short", detail: -1)
    #expect("\(error)" == "malformedBody: too short" && error.retryMicroseconds == nil)
    #expect(ErrorBody(error) == ErrorBody(detail: 0, text: "too short"))
    let waiting = ProtocolError(.rateExceeded, "wait", detail: 1 << 40, retryMicroseconds: 5)
    #expect(ErrorBody(waiting) == ErrorBody(detail: .max, text: "wait") && waiting.retryMicroseconds == 5)
  }

  @Test func whichShardIsAskedFor() throws {
    func ask(_ bytes: [UInt8]) throws -> Int {
      let guarded = GuardedBytes(bytes)
      return try ShardStatusReply.firstShard(reading: guarded.bytes)
    }
    #expect(try ask([3, 1, 0, 0, 0, 0, 0, 0]) == 259)
    #expect { try ask([3, 0, 0, 0]) } throws: { ($0 as? ProtocolError)?.status == .malformedBody }
    #expect { try ask([3, 0, 0, 0, 1, 0, 0, 0]) } throws: { ($0 as? ProtocolError)?.status == .reservedBits }
  }

  @Test func rowsThatDoNotFit() {
    let reply = ShardStatusReply(uptimeNanoseconds: 1, shards: [ShardStatus()])
    for (offset, value) in [(0, UInt8(0)), (0, 1), (4, 2), (7, 0xFF)] {
      var bytes = reply.encoded
      bytes[offset] = value
      let guarded = GuardedBytes(bytes)
      do throws(ProtocolError) {
        _ = try ShardStatusReply(reading: guarded.bytes)
        Issue.record("byte \(offset) was taken")
      } catch {
        #expect(error.status == .malformedBody)
      }
    }
  }
}
