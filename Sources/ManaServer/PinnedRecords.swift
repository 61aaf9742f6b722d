/// Records that a waiting request needs, copied out of blocks that were read back: they stay until it is answered, so that
/// it gets on however small the memory for blocks is. What one call may examine bounds them.
final class PinnedRecords {
  private var records: [UInt64: UnsafeMutableRawPointer] = [:]
  private var items: [UInt64: UnsafeMutableRawPointer] = [:]

  deinit {
    for record in records.values { record.deallocate() }
    for item in items.values { item.deallocate() }
  }

  func pointer(at position: UInt64) -> UnsafeRawPointer? { records[position].map { UnsafeRawPointer($0) } }

  func item(at position: UInt64) -> UnsafeRawPointer? { items[position].map { UnsafeRawPointer($0) } }

  /// Keeps the item of a record, as it was read.
  func add(item: [UInt8], of position: UInt64) {
    guard items[position] == nil else { return }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: item.count, alignment: 8)
    copy.copyBytes(from: item)
    items[position] = copy.baseAddress
  }

  /// Keeps a copy of the `bytes` bytes of the record at `source`.
  func add(_ position: UInt64, copying source: UnsafeRawPointer, bytes: Int) {
    guard records[position] == nil else { return }
    let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
    copy.copyMemory(from: source, byteCount: bytes)
    records[position] = copy
  }
}
