import ManaLedger
import ManaProtocol

/// An item with its texts.
struct Entry {
  var item: Item
  var reference = ""
  var note = ""
}

/// A ledger on a journal in memory, for tests that speak in entries and results.
struct Bench: ~Copyable {
  let journal = MemoryJournal()
  var ledger: Ledger
  var now: UInt64 = 1_000

  init(seed: UInt64 = 42) { ledger = Ledger(records: journal.space, tableSeed: seed) }

  /// Posts a batch and returns its full results.
  @discardableResult
  mutating func post(
    _ entries: [Entry], type: TransactionType? = nil, atomic: Bool = false, stride: Int = ItemResult.fullBytes
  ) -> [ItemResult] {
    var items = [UInt8](repeating: 0, count: entries.count * Item.bytes)
    var text: [UInt8] = []
    for (index, entry) in entries.enumerated() {
      var item = entry.item
      if !entry.reference.isEmpty { item.referenceBytes = UInt8(entry.reference.utf8.count) }
      if !entry.note.isEmpty { item.noteBytes = UInt8(entry.note.utf8.count) }
      items.withUnsafeMutableBytes { item.store(to: $0.baseAddress! + index * Item.bytes) }
      text += entry.reference.utf8
      text += entry.note.utf8
    }
    return post(items: items, text: text, type: type, atomic: atomic, stride: stride)
  }

  @discardableResult
  mutating func post(
    items: [UInt8], text: [UInt8], type: TransactionType? = nil, atomic: Bool = false,
    stride: Int = ItemResult.fullBytes
  ) -> [ItemResult] {
    let count = items.count / Item.bytes
    var results = [UInt8](repeating: 0xEE, count: count * stride)
    var writer = journal.writer(Ledger.recordBytesMax(items: count, textBytes: text.count))
    items.withUnsafeBytes { items in
      text.withUnsafeBytes { text in
        results.withUnsafeMutableBytes { results in
          let source = ItemSource(items: items.baseAddress!, count: count, text: text.baseAddress)
          _ = ledger.post(
            source, itemType: type, atomic: atomic, now: now, writer: &writer, results: results.baseAddress!,
            resultStride: stride)
        }
      }
    }
    journal.sealed(writer)
    return (0..<count).map { index in
      results.withUnsafeBytes { ItemResult(reading: $0.baseAddress! + index * stride, stride: stride)! }
    }
  }

  mutating func post(_ entry: Entry, type: TransactionType? = nil) -> ItemResult { post([entry], type: type)[0] }

  mutating func expire(_ limit: Int = 100) -> Int {
    var writer = journal.writer(Ledger.expiryBytesMax(limit: limit))
    defer { journal.sealed(writer) }
    return ledger.expire(now: now, limit: limit, writer: &writer).posted
  }

  /// A fresh ledger, with another table seed, into which the journal was replayed.
  func replayed(seed: UInt64 = 77) throws -> Ledger {
    var fresh = Ledger(records: journal.space, tableSeed: seed)
    for (index, block) in journal.blocks.enumerated() {
      try fresh.replay(
        block: UnsafeRawBufferPointer(journal.bytes(index)), firstPosition: block.position,
        recordCount: block.records)
    }
    return fresh
  }
}

extension Entry {
  static func purchase(_ id: UInt128, _ account: UInt128, _ amount: UInt64, reference: String = "", note: String = "")
    -> Entry
  {
    Entry(
      item: Item(id: id, account: account, amount: amount, type: .purchase, operation: .purchase),
      reference: reference, note: note)
  }

  static func bonus(_ id: UInt128, _ account: UInt128, _ amount: UInt64, note: String = "") -> Entry {
    Entry(item: Item(id: id, account: account, amount: amount, type: .bonus, operation: .bonus), note: note)
  }

  static func spend(
    _ id: UInt128, _ account: UInt128, _ amount: UInt64, _ operation: ManaProtocol.Operation = .imageGeneration,
    quantity: UInt32 = 0, timeout: UInt128 = 0, reference: String = "", note: String = ""
  ) -> Entry {
    Entry(
      item: Item(
        id: id, account: account, related: timeout, amount: amount, quantity: quantity, type: .spend,
        flags: timeout == 0 ? [] : .unsettled, operation: operation),
      reference: reference, note: note)
  }

  /// `amount` nil refunds all that remains.
  static func refund(
    _ id: UInt128, _ account: UInt128, of spend: UInt128, _ amount: UInt64?, void: Bool = false, note: String = ""
  ) -> Entry {
    var flags: ItemFlags = amount == nil ? .remaining : []
    if void { flags.insert(.voidIfUnknown) }
    return Entry(
      item: Item(
        id: id, account: account, related: spend, amount: amount ?? 0, type: .refund, flags: flags, operation: .refund),
      note: note)
  }

  /// `used` nil: everything was used.
  static func settle(_ id: UInt128, _ account: UInt128, of spend: UInt128, used: UInt64?, note: String = "") -> Entry {
    Entry(
      item: Item(
        id: id, account: account, related: spend, amount: used ?? 0, type: .settlement,
        flags: used == nil ? .remaining : [], operation: nil),
      note: note)
  }
}
