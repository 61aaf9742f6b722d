@testable import ManaJournal
import CIntrinsics
import SystemPackage

/// A segment of 64 KiB: a byte that says what is put right, then the first bytes of it; the rest is zeros.
enum JournalFuzzing {
  private static let journal = JournalIdentity(
    ledgerID: 7, shard: 0, shardCount: 1, segmentBytes: JournalLimits.segmentBytesMin)

  /// Bits of the first byte. Nothing set: a chain of whole blocks, as far as the bytes allow.
  private struct Kept: OptionSet {
    let rawValue: UInt8
    /// Where a block stands, whose it is and what came before.
    static let place = Kept(rawValue: 1)
    static let lengths = Kept(rawValue: 2)
    static let checksums = Kept(rawValue: 4)
    /// From the third block on nothing is put right: damage behind what is whole.
    static let later = Kept(rawValue: 8)
  }

  /// Recovers the journal; when that succeeds, recovers what it left behind. A recovery that changed the disk has left
  /// nothing to change, and both come to the same end.
  static func segment(_ input: UnsafeRawBufferPointer) {
    guard let first = input.first else { return }
    let file = FuzzFile(
      UnsafeRawBufferPointer(rebasing: input[1...]), bytes: journal.segmentBytes)
    chain(file.bytes, keeping: Kept(rawValue: first))
    let storage = FuzzStorage(file: file)
    do throws(JournalError) {
      let found = try recover(storage)
      let again = try recover(storage)
      precondition(found.resume == again.resume && found.lastNumber == again.lastNumber, "another end the second time")
      precondition(found.lastHash == again.lastHash && found.endPosition == again.endPosition)
      precondition(again.statistics.cutBytes == 0, "a tail that had been cut is there again")
      precondition(found.resume.offset <= journal.segmentBytes)
    } catch {
      precondition(!error.description.isEmpty)
    }
  }

  private static func recover(_ storage: FuzzStorage) throws(JournalError) -> RecoveredJournal {
    var recovery = Recovery(storage: storage, journal: journal)
    let table = try SegmentTableStorage(segmentBytes: journal.segmentBytes)
    return try recovery.run(into: table, compared: { _ in }) { block throws(JournalError) in
      // Every byte of a block that is called whole can be read, at its place and by its position.
      let sum = block.body.reduce(UInt64(0)) { $0 &+ UInt64($1) }
      if block.recordCount > 0 {
        precondition(block.segments.pointer(to: block.firstPosition) == block.body.baseAddress)
      }
      // The digest of one in 256 does not match what executing it gave.
      return sum % 256 == 255 ? ~block.digest : block.digest
    }
  }

  /// Puts blocks right one behind the other, leaving of each what the input says about the rest.
  private static func chain(_ bytes: UnsafeMutableRawBufferPointer, keeping kept: Kept) {
    var (offset, number, previous) = (0, UInt64(1), Hash128())
    while offset + JournalLimits.blockAlignment <= bytes.count, number <= (kept.contains(.later) ? 2 : 64) {
      let base = bytes.baseAddress! + offset
      // No magic, no block: the input ends its chain where it likes. One byte suffices, since eight are hard to guess.
      guard base.load(fromByteOffset: 8, as: UInt8.self) == 0xFF else { return }
      let length = length(at: base, room: bytes.count - offset, keeping: kept)
      let body = UnsafeRawBufferPointer(
        rebasing: bytes[offset + JournalLimits.blockHeaderBytes..<offset + BlockHeader.padded(length)])
      let place = kept.contains(.place)
      func word<Value: FixedWidthInteger>(_ at: Int, _ type: Value.Type) -> Value {
        base.loadUnaligned(fromByteOffset: at, as: type)
      }
      let header = BlockHeader(
        journal: journal, epoch: word(36, UInt32.self) % 4, term: place ? word(40, UInt64.self) : 0,
        segment: place ? word(48, UInt32.self) : 0, offset: place ? Int(word(52, UInt32.self)) : offset,
        number: place ? word(56, UInt64.self) : number, byteLength: length,
        recordCount: kept.contains(.lengths)
          ? Int(word(76, UInt32.self)) : (length - JournalLimits.blockHeaderBytes) / JournalLimits.recordAlignment,
        durableNumber: place ? word(80, UInt64.self) : number - 1, timestamp: word(88, UInt64.self),
        previousHash: previous, bodyHash: kept.contains(.checksums) ? Hash128() : Hash128(of: body),
        digest: word(128, UInt64.self))
      previous = header.encode(into: base)
      number += 1
      offset += BlockHeader.padded(length)
    }
  }

  /// Of a block with its header, at least that and at most the room for it.
  private static func length(at base: UnsafeMutableRawPointer, room: Int, keeping kept: Kept) -> Int {
    let said = Int(base.loadUnaligned(fromByteOffset: 72, as: UInt32.self))
    let records = said / JournalLimits.recordAlignment % (kept.contains(.lengths) ? 4_096 : 48)
    let length = JournalLimits.blockHeaderBytes + records * JournalLimits.recordAlignment
    return min(length, room & -JournalLimits.recordAlignment)
  }

  /// 512 bytes; what is accepted is written again as it was.
  static func identity(_ input: UnsafeRawBufferPointer) {
    guard let first = input.first else { return }
    let file = UnsafeMutableRawBufferPointer.allocate(byteCount: LedgerIdentity.fileBytes, alignment: 512)
    defer { file.deallocate() }
    file.initializeMemory(as: UInt8.self, repeating: 0)
    file.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[1...].prefix(file.count)))
    let base = file.baseAddress!
    if first & 1 == 0 { base.storeBytes(of: LedgerIdentity.magic, as: UInt64.self) }
    if first & 2 == 0 { base.storeBytes(of: mana_crc32c(base, 508), toByteOffset: 508, as: UInt32.self) }
    do throws(LedgerIdentity.Fault) {
      let identity = try LedgerIdentity(decoding: UnsafeRawBufferPointer(file))
      _ = identity.journal(shard: identity.shardCount - 1)
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 512)
      defer { copy.deallocate() }
      identity.encode(into: copy)
      precondition(copy.elementsEqual(file), "an identity that was accepted is written otherwise")
    } catch {
      // Refused, as most are.
    }
  }
}
