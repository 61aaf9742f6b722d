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

  /// As headers and keys spell it.
  var name: String { String(describing: self) }

  /// Columns without which nothing can be posted.
  static let required: [PostColumn] = [.account, .type, .amount]

  /// All the names, for messages.
  static var names: String { allCases.map(\.name).joined(separator: ", ") }

  /// The column with that name.
  init?(name: UnsafeRawBufferPointer) {
    guard let match = Self.allCases.first(where: { name.elementsEqual($0.name.utf8) }) else { return nil }
    self = match
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
