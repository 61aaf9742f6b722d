import Foundation
import ManaJournal
import ManaLedger
import ManaProtocol
import SystemPackage
import Testing

@testable import ManaServer

/// A journal whose hashes are all right, and whose records are not what executing them gives: a verification finds the
/// record. Written as another program, or one whose memory failed, might have.
@Suite struct VerificationTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    /// In the record, in bytes; see RecordLayout.swift.
    let offset: Int
    /// The bits of that byte that are turned.
    var mask: UInt8 = 1
    let reason: String
    var testDescription: String { name }
  }

  static let changes = [
    Change(name: "the amount", offset: 48, reason: "balance"),
    Change(name: "the balance after", offset: 64, reason: "balance"),
    Change(name: "the previous position", offset: 80, reason: "previous position"),
    Change(name: "the jump position", offset: 86, reason: "jump position"),
    Change(name: "the sequence number", offset: 92, reason: "sequence number"),
    Change(name: "the account", offset: 16, reason: "account"),
    Change(name: "the operation", offset: 61, mask: 0x40, reason: "refused"),
  ]

  /// Three charges of one account in a block each, the second changed before it is written.
  private static func write(to path: FilePath, _ change: Change?) throws -> UInt64 {
    let directory = try DataDirectory.open(
      at: path, creatingWith: CreationOptions(shardCount: 1, segmentBytes: 65536), allowUnsuitableFileSystem: true)
    let woken = DispatchSemaphore(value: 0)
    let journal = try directory.openJournal(shard: 0, onDurable: { woken.signal() }) { block in block.digest }
    var ledger = Ledger(records: RecordSpace(journal.segments), tableSeed: 1)
    let items = [
      Item(id: 1, account: 42, amount: 1_000, type: .bonus, operation: .bonus),
      Item(id: 2, account: 42, amount: 10, type: .spend, operation: .export),
      Item(id: 3, account: 42, amount: 10, type: .spend, operation: .export),
    ]
    var changed: UInt64 = 0
    for (index, item) in items.enumerated() {
      #expect(journal.makeRoom(bytes: 1_024, digest: ledger.digest, timestamp: 1) == .ready)
      let record = journal.cursor
      if index == 1 { changed = journal.position }
      var writer = RecordWriter(cursor: journal.cursor, position: journal.position)
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 64)
      defer { bytes.deallocate() }
      item.store(to: bytes.baseAddress!)
      _ = ledger.post(
        ItemSource(items: bytes.baseAddress!, count: 1, text: nil), itemType: nil, atomic: false,
        now: UInt64(1_000 + index), writer: &writer, results: bytes.baseAddress! + 64,
        resultStride: ItemResult.compactBytes)
      if index == 1, let change {
        let byte = record.load(fromByteOffset: change.offset, as: UInt8.self)
        record.storeBytes(of: byte ^ change.mask, toByteOffset: change.offset, as: UInt8.self)
      }
      journal.append(bytes: writer.bytes, records: writer.records)
      journal.submit(digest: ledger.digest, timestamp: UInt64(1_000 + index))
      while journal.durableBlockNumber < UInt64(index + 1) {
        woken.wait()
        _ = journal.collectCompletions()
      }
    }
    journal.close(digest: ledger.digest, timestamp: 2_000)
    return changed
  }

  private static func verify(_ change: Change?) throws -> (ShardVerification, LedgerFiles, UInt64) {
    let path = FileManager.default.temporaryDirectory.appending(path: "mana-verify-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: path) }
    let position = try write(to: FilePath(path.path()), change)
    let files = try LedgerFiles.open(at: FilePath(path.path()), .withoutServer)
    return (try files.verify(shard: 0), files, position)
  }

  @Test func aSoundJournal() throws {
    let (found, _, _) = try Self.verify(nil)
    #expect(found.isSound && found.accounts == 1 && found.transactions == 3 && found.firstBadPlace == nil)
  }

  @Test(arguments: changes) func theWrongRecordIsNamed(change: Change) throws {
    let (found, files, position) = try Self.verify(change)
    let place = try #require(found.firstBadPlace)
    #expect(!found.isSound && place.block == 2 && found.inspection.blocks == 1)
    #expect(place.reason.contains(change.reason), "\(place.reason)")
    #expect(place.byte == files.place(ofPosition: position, shard: 0).byte)
  }
}
