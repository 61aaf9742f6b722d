import ManaProtocol

/// What `listTransactions` lets through, but for the range of time, which bounds the records that are examined.
struct HistoryFilter {
  private let types: UInt32
  private let operations: UInt32
  private let amounts: ClosedRange<UInt64>
  private let related: UInt128
  private let reference: UnsafeRawBufferPointer

  /// `query` must have passed its check. `reference` must stay valid as long as the filter is used.
  init(_ query: HistoryQuery, reference: UnsafeRawBufferPointer) {
    types = query.types == 0 ? .max : query.types
    operations = query.operations == 0 ? .max : query.operations
    amounts = query.amountMin...(query.amountMax == 0 ? .max : query.amountMax)
    related = query.related
    self.reference = reference
  }

  func matches(_ record: RecordView) -> Bool {
    let item = record.item
    guard types >> item.type & 1 != 0, operations >> item.operation & 1 != 0, amounts.contains(item.amount) else {
      return false
    }
    // What a spend has in that place is its timeout.
    if related != 0 && (item.type != RecordType.refund || item.related != related) { return false }
    if reference.count == 0 { return true }
    guard item.referenceBytes == reference.count else { return false }
    return reference.elementsEqual(UnsafeRawBufferPointer(start: record.text, count: reference.count))
  }
}
