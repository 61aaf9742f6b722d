/// What a file to post says about a transaction: the columns of a CSV file, the keys of a JSON object.
enum PostColumn: Int, CaseIterable {
  case account
  case type
  case operation
  case amount
  case quantity
  case note
  case reference
  case id
  case related

  /// As headers and keys spell it. Written out, because asking the runtime for a case's name takes microseconds.
  var name: String {
    switch self {
    case .account: "account"
    case .type: "type"
    case .operation: "operation"
    case .amount: "amount"
    case .quantity: "quantity"
    case .note: "note"
    case .reference: "reference"
    case .id: "id"
    case .related: "related"
    }
  }

  /// Columns without which nothing can be posted.
  static let required: [PostColumn] = [.account, .type, .amount]

  /// All the names, for messages.
  static var names: String { allCases.map(\.name).joined(separator: ", ") }

  /// The column with that name. Constant time, without allocation: the keys of every JSON line come through here.
  init?(name: UnsafeRawBufferPointer) {
    let candidates: (PostColumn, PostColumn)
    switch name.count {
    case 2: candidates = (.id, .id)
    case 4: candidates = (.type, .note)
    case 6: candidates = (.amount, .amount)
    case 7: candidates = (.account, .related)
    case 8: candidates = (.quantity, .quantity)
    case 9: candidates = (.operation, .reference)
    default: return nil
    }
    if name.elementsEqual(candidates.0.name.utf8) {
      self = candidates.0
    } else if name.elementsEqual(candidates.1.name.utf8) {
      self = candidates.1
    } else {
      return nil
    }
  }
}

/// Where each column of one record lies. Valid as long as the record's bytes are.
struct PostFields {
  private var bytes = InlineArray<9, UnsafeRawBufferPointer>(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
  private var offsets = InlineArray<9, Int>(repeating: 0)

  /// The column's bytes; none when it is absent or empty, which is the same.
  subscript(column: PostColumn) -> UnsafeRawBufferPointer { bytes[column.rawValue] }

  /// Where the column begins in its record; 0 when the record does not have it.
  func offset(of column: PostColumn) -> Int { offsets[column.rawValue] }

  mutating func set(_ column: PostColumn, _ value: UnsafeRawBufferPointer, offset: Int) {
    bytes[column.rawValue] = value
    offsets[column.rawValue] = offset
  }
}
