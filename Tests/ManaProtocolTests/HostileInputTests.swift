import ManaProtocol
import ManaTesting
import Testing

/// Whatever arrives, a decoder gives a value or a `ProtocolError`; it neither traps nor reads past the end.
@Suite struct HostileInputTests {
  /// The number of errors among `bodies`; each is put at the end of readable memory.
  private func errors(_ kind: BodyKind, _ bodies: some Sequence<[UInt8]>) -> Int {
    bodies.reduce(0) { errors, body in
      let guarded = GuardedBytes(body)
      do {
        _ = try kind.read(guarded.bytes)
        return errors
      } catch {
        return errors + 1
      }
    }
  }

  @Test(arguments: BodyKind.allCases) func samplesAreValid(_ kind: BodyKind) {
    #expect(errors(kind, [kind.sample]) == 0)
  }

  @Test(arguments: BodyKind.allCases) func truncationsAreErrors(_ kind: BodyKind) {
    let sample = kind.sample
    #expect(errors(kind, (0..<sample.count).map { Array(sample[..<$0]) }) == sample.count)
  }

  @Test(arguments: BodyKind.allCases) func additionsAreErrors(_ kind: BodyKind) {
    let sample = kind.sample
    #expect(errors(kind, (1...16).map { sample + [UInt8](repeating: 0, count: $0) }) == 16)
  }

  @Test(arguments: BodyKind.allCases) func flippedBitsAreSurvived(_ kind: BodyKind) {
    let sample = kind.sample
    let flips = (0..<sample.count * 8).lazy.map { bit in
      var body = sample
      body[bit / 8] ^= 1 << UInt8(bit % 8)
      return body
    }
    // Most bits are values, which the codec does not judge; some are lengths, which it does.
    let refused = errors(kind, flips)
    #expect(refused < sample.count * 8)
    #expect(refused > 0 || kind == .balanceAt || kind == .status, "no bit of the body is checked")
  }

  @Test(arguments: BodyKind.allCases) func garbageIsSurvived(_ kind: BodyKind) {
    var random = SplitMix64(seed: 17)
    let garbage = (0..<2_000).map { _ in
      let count = Int.random(in: 0...400, using: &random)
      return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    // A body of fixed length without lengths inside can be met by chance; nothing else can.
    let fixed: Set<BodyKind> = [.balanceAt, .status]
    #expect(fixed.contains(kind) || errors(kind, garbage) > 1_990)
  }

  /// Garbage that is nearly right gets further into a decoder than garbage from nowhere.
  @Test(arguments: BodyKind.allCases) func damagedSamplesAreSurvived(_ kind: BodyKind) {
    var random = SplitMix64(seed: 18)
    let sample = kind.sample
    let damaged = (0..<4_000).map { _ in
      var body = sample
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<body.count, using: &random)
        body[index] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next())].randomElement(using: &random)!
      }
      return random.chance(1, in: 4) ? Array(body[..<Int.random(in: 0...body.count, using: &random)]) : body
    }
    #expect(errors(kind, damaged) > 0)
  }
}

/// Frames with their checksums: nothing that was damaged is believed.
@Suite struct HostileFrameTests {
  private static let frame: [UInt8] = frame(body: BodyKind.batch.sample)

  private static func frame(body: [UInt8]) -> [UInt8] {
    BodyKind.bytes(FrameHeader.bytes + body.count) { base in
      body.withUnsafeBytes { (base + FrameHeader.bytes).copyMemory(from: $0.baseAddress!, byteCount: body.count) }
      FrameHeader.seal(base, FrameHeader(opcode: Opcode.post.rawValue, correlation: 9), bodyBytes: body.count)
    }
  }

  /// The status of the error that a receiver meets in `frame`, nil when it is valid.
  private func refusal(of frame: [UInt8], frameBytesMax: Int = Limits.frameBytesMax) -> Status? {
    let guarded = GuardedBytes(frame)
    let base = guarded.bytes.baseAddress!
    do {
      let header = try FrameHeader(reading: base, frameBytesMax: frameBytesMax)
      guard header.length <= frame.count else { return .malformedHeader }
      let body = try header.body(at: base)
      try header.checkRequestReserved()
      _ = try BodyKind.batch.read(body)
      return nil
    } catch {
      return error.status
    }
  }

  /// The sample with a change in its header, which gets a right checksum again.
  private func resealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var frame = Self.frame
    change(&frame)
    frame.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      base.store(u32: crc32c(UnsafeRawBufferPointer(start: UnsafeRawPointer(base), count: 28)), 28)
    }
    return frame
  }

  @Test func sampleIsValid() { #expect(refusal(of: Self.frame) == nil) }

  @Test func everyFlippedBitIsNoticed() {
    for bit in 0..<Self.frame.count * 8 {
      var frame = Self.frame
      frame[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(refusal(of: frame) == (bit < 256 ? .headerChecksumMismatch : .bodyChecksumMismatch), "bit \(bit)")
    }
  }

  struct Case: CustomStringConvertible, Sendable {
    var description: String
    var expected: Status?
    var change: @Sendable (inout [UInt8]) -> Void
    init(_ description: String, _ expected: Status?, _ change: @escaping @Sendable (inout [UInt8]) -> Void) {
      self.description = description
      self.expected = expected
      self.change = change
    }
  }

  /// Headers with a right checksum. Where several things are wrong, the one that is checked first is given.
  @Test(arguments: [
    Case("version 0", .unsupportedVersion) { $0[4] = 0 },
    Case("version 2", .unsupportedVersion) { $0[4] = 2 },
    Case("version 2, no header words", .unsupportedVersion) { ($0[4], $0[5]) = (2, 0) },
    Case("no header words", .malformedHeader) { $0[5] = 0 },
    Case("3 header words", .malformedHeader) { $0[5] = 3 },
    Case("header beyond the frame", .malformedHeader) { ($0[0], $0[1], $0[5]) = (40, 0, 6) },
    Case("length 0", .malformedHeader) { ($0[0], $0[1]) = (0, 0) },
    Case("length 24", .malformedHeader) { ($0[0], $0[1]) = (24, 0) },
    Case("length not in words", .malformedHeader) { $0[0] |= 4 },
    Case("length above the limit", .frameTooLarge) { $0[2] = 0xFF },
    Case("length not in words and above the limit", .malformedHeader) { ($0[0], $0[2]) = (1, 0xFF) },
    Case("shorter than what was checked", .bodyChecksumMismatch) { ($0[0], $0[1]) = (40, 0) },
    Case("flags in a request", .reservedBits) { $0[7] = 1 },
    Case("status in a request", .reservedBits) { $0[16] = 1 },
    Case("reserved bytes", .reservedBits) { $0[18] = 1 },
    Case("reserved bytes and body damaged", .bodyChecksumMismatch) { ($0[18], $0[40]) = (1, 0x55) },
    Case("a deadline", nil) { $0[20] = 200 },
  ]) func headers(_ example: Case) {
    #expect(refusal(of: resealed(example.change)) == example.expected)
  }

  @Test func longerHeadersAreSkipped() {
    let body = BodyKind.batch.sample
    let extended = Self.frame(body: [UInt8](repeating: 0xAA, count: 16) + body)
    var frame = extended
    frame[5] = 6
    frame.withUnsafeMutableBytes { buffer in
      let base = buffer.baseAddress!
      base.store(u32: crc32c(UnsafeRawBufferPointer(start: UnsafeRawPointer(base), count: 28)), 28)
    }
    #expect(refusal(of: frame) == nil)
    #expect(refusal(of: extended) == .malformedBody, "without the two words the same bytes are no batch")
  }

  @Test func limitOfTheReceiverCounts() {
    #expect(refusal(of: Self.frame, frameBytesMax: Self.frame.count) == nil)
    #expect(refusal(of: Self.frame, frameBytesMax: Self.frame.count - 8) == .frameTooLarge)
  }
}
