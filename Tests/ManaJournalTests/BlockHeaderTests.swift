import Testing

@testable import ManaJournal

@Suite struct BlockHeaderTests {
  private static let header: BlockHeader = {
    var header = BlockHeader(
      journal: JournalIdentity(
        ledgerID: 0x1F1E_1D1C_1B1A_1918_1716_1514_1312_1110, shard: 0x2120, shardCount: 0x2322,
        segmentBytes: 1 << 20),
      epoch: 0x2726_2524, term: 0x2F2E_2D2C_2B2A_2928, segment: 3, offset: 1024, number: 0x3F3E_3D3C_3B3A_3938,
      byteLength: 0x4B4A_4948, recordCount: 0x4F4E_4D4C, durableNumber: 0x5756_5554_5352_5150,
      timestamp: 0x5F5E_5D5C_5B5A_5958, previousHash: Hash128(), bodyHash: Hash128(), digest: 0x8786_8584_8382_8180)
    header.segment = 0x3332_3130
    header.offset = 0x3736_3534
    header.firstPosition = 0x4746_4544_4342_4140
    header.previousHash.low = 0x6766_6564_6362_6160
    header.previousHash.high = 0x6F6E_6D6C_6B6A_6968
    header.bodyHash.low = 0x7776_7574_7372_7170
    header.bodyHash.high = 0x7F7E_7D7C_7B7A_7978
    return header
  }()

  private func withEncoded(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 160, alignment: 16)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0xEE)
    _ = Self.header.encode(into: buffer.baseAddress!)
    try body(buffer)
  }

  /// Each byte of a field is its own offset, so that the table at the top of the file can be read off.
  @Test func theOffsetTableHolds() {
    withEncoded { bytes in
      #expect(Array(bytes[4..<8]) == [1, 0, 0, 0])
      #expect(Array(bytes[8..<16]) == [0xFF, 0x4D, 0x41, 0x4E, 0x41, 0x0D, 0x0A, 0xFE])
      #expect(Array(bytes[16..<136]) == [UInt8](16..<136))
      #expect(bytes[136..<160].allSatisfy { $0 == 0 })
    }
  }

  @Test func itComesBack() {
    withEncoded { bytes in
      #expect(BlockHeader(at: bytes.baseAddress!) == Self.header)
      #expect(BlockHeader.hash(at: bytes.baseAddress!) == Self.header.encode(into: bytes.baseAddress!))
    }
  }

  @Test func everyFlippedBitIsSeen() {
    withEncoded { bytes in
      for bit in 0..<160 * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(BlockHeader(at: bytes.baseAddress!) == nil, "bit \(bit)")
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      #expect(BlockHeader(at: bytes.baseAddress!) != nil)
    }
  }

  /// Known answers of the reference implementation: the hash is a format, too.
  @Test func theHashIsXXH3() {
    let empty = Hash128(of: UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(empty.high == 0x99AA_06D3_0147_98D8 && empty.low == 0x6001_C324_468D_497F)
  }

  @Test(arguments: [(0, 0), (1, 512), (160, 512), (512, 512), (513, 1024), (JournalLimits.blockBytesMax, 1_044_480)])
  func padding(bytes: Int, padded: Int) { #expect(BlockHeader.padded(bytes) == padded) }

  @Test(arguments: [
    ("0000000000.segment", UInt32?(0)), ("0000000042.segment", 42), ("4294967295.segment", 4_294_967_295),
    ("42.segment", nil), ("0000000042.segment.temporary", nil), ("000000004x.segment", nil), ("segment", nil),
    ("+000000042.segment", nil), ("4294967296.segment", nil),
  ])
  func segmentNames(name: String, number: UInt32?) {
    #expect(Segment.number(in: name) == number)
    if let number { #expect(Segment.path(shard: 7, segment: number) == "shard-007/" + name) }
  }
}

@Suite struct JournalLimitsTests {
  @Test func theyFitEachOther() {
    #expect(JournalLimits.blockHeaderBytes % JournalLimits.recordAlignment == 0)
    #expect(JournalLimits.blockAlignment % JournalLimits.recordAlignment == 0)
    #expect(JournalLimits.blockHeaderBytes < JournalLimits.blockAlignment, "a header lies within one sector")
    #expect(JournalLimits.blockBytesMax % JournalLimits.blockAlignment == 0)
    #expect(JournalLimits.blockBytesMax < 1 << 20)
    #expect(JournalLimits.segmentBytesMin % JournalLimits.blockAlignment == 0)
    #expect(JournalLimits.segmentBytesMax < 1 << 32, "a place in a segment fits 32 bits")
    #expect(CreationOptions.fault(shardCount: 1, segmentBytes: JournalLimits.segmentBytesDefault) == nil)
    for segmentBytes in [JournalLimits.segmentBytesMin, JournalLimits.segmentBytesMax] {
      let count = SegmentTableStorage.segmentCountMax(segmentBytes: segmentBytes)
      #expect(UInt64(count) * UInt64(segmentBytes) / 32 == JournalLimits.positionLimit)
      #expect(count < 1 << 32, "a segment number fits 32 bits")
    }
    #expect(JournalLimits.zeroPieceBytes % JournalLimits.blockAlignment == 0)
    #expect(JournalLimits.readPieceBytes % JournalLimits.blockAlignment == 0)
  }
}
