import ManaProtocol

/// Writes the bodies of requests where they will be sent from. Layouts: `ManaProtocol`'s `Batch.swift`, `Item.swift`,
/// `History.swift`. Nothing is allocated.
enum RequestEncoder {
  /// Writes `count` spends of 0.01 Mana to `body` and returns the body's length in bytes.
  static func combinations(
    _ count: Int, from generator: inout ItemGenerator, to body: UnsafeMutableRawPointer
  ) -> Int {
    BatchView.storePrelude(to: body, count: count, textBytes: 0, flags: [])
    var item = ItemGenerator.combination
    var place = body + BatchView.preludeBytes
    for _ in 0..<count {
      generator.fill(&item)
      item.store(to: place)
      place += Item.bytes
    }
    return BatchView.bodyBytes(count: count, textBytes: 0)
  }

  /// Writes a batch of the items that `next` gives, at most `count` of them, and returns the body's length in bytes.
  static func batch(
    upTo count: Int, to body: UnsafeMutableRawPointer, _ next: () -> Item?
  ) -> Int {
    var written = 0
    while written < count, let item = next() {
      item.store(to: body + BatchView.preludeBytes + written * Item.bytes)
      written += 1
    }
    guard written > 0 else { return 0 }
    BatchView.storePrelude(to: body, count: written, textBytes: 0, flags: [])
    return BatchView.bodyBytes(count: written, textBytes: 0)
  }

  /// Writes the request for the newest `limit` transactions of `account`.
  static func page(of account: UInt128, limit: Int, to body: UnsafeMutableRawPointer) -> Int {
    HistoryQuery(account: account, limit: limit).store(to: body, referenceBytes: 0)
    return HistoryQuery.fixedBytes
  }

  /// Writes the request for an account's overview.
  static func overview(of account: UInt128, to body: UnsafeMutableRawPointer) -> Int {
    body.store(u128: account, 0)
    return 16
  }

  /// Writes the request for one transaction.
  static func lookup(_ id: UInt128, of account: UInt128, to body: UnsafeMutableRawPointer) -> Int {
    body.store(u128: account, 0)
    body.store(u128: id, 16)
    return LookupReplyView.requestBytes
  }
}
