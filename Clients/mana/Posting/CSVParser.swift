// CSV, RFC 4180: fields between commas; a field in double quotes may hold commas, line breaks and doubled quotes; the
// first record names the columns. Spaces belong to a field.

/// Takes records of a CSV file apart, in place: a quoted field is unquoted where it lies.
struct CSVParser {
  private static let comma = UInt8(ascii: ",")
  private static let quote = UInt8(ascii: "\"")

  /// The columns in the order of the file's first record.
  let columns: [PostColumn]

  /// Reads the first record. Linear.
  init(header: UnsafeMutableRawBufferPointer) throws(RecordError) {
    var columns: [PostColumn] = []
    var next: Int? = 0
    while let offset = next {
      let (name, following) = try Self.field(of: header, at: offset)
      guard let column = PostColumn(name: name) else {
        throw RecordError(
          "the header names the column '\(printable(name))'; known are \(PostColumn.names)", at: offset)
      }
      guard !columns.contains(column) else {
        throw RecordError("the column '\(column.name)' is there twice", at: offset)
      }
      columns.append(column)
      next = following
    }
    for column in PostColumn.required where !columns.contains(column) {
      throw RecordError("the header has no column '\(column.name)'", at: 0)
    }
    self.columns = columns
  }

  /// Finds the fields of one record. Linear, without allocation.
  func parse(_ record: UnsafeMutableRawBufferPointer) throws(RecordError) -> PostFields {
    var fields = PostFields()
    var next: Int? = 0
    var index = 0
    while let offset = next {
      guard index < columns.count else {
        throw RecordError("more fields than the header's \(columns.count)", at: offset)
      }
      let (value, following) = try Self.field(of: record, at: offset)
      fields.set(columns[index], value, offset: offset)
      index += 1
      next = following
    }
    guard index == columns.count else {
      throw RecordError(
        "\(index) \(index == 1 ? "field" : "fields"), the header has \(columns.count)", at: record.count)
    }
    return fields
  }

  /// The field that begins at `offset`, and where the next one begins, if there is one.
  @inline(__always)
  private static func field(
    of record: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(RecordError) -> (value: UnsafeRawBufferPointer, next: Int?) {
    if offset < record.count, record[offset] == quote { return try quotedField(of: record, at: offset) }
    var end = offset
    while end < record.count, record[end] != comma {
      guard record[end] != quote else {
        throw RecordError("a quote inside a field that does not begin with one", at: end)
      }
      end += 1
    }
    return (UnsafeRawBufferPointer(rebasing: record[offset..<end]), end < record.count ? end + 1 : nil)
  }

  private static func quotedField(
    of record: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(RecordError) -> (value: UnsafeRawBufferPointer, next: Int?) {
    var source = offset + 1
    var target = source
    while true {
      guard source < record.count else { throw RecordError("a quote that is not closed", at: offset) }
      if record[source] == quote {
        guard source + 1 < record.count, record[source + 1] == quote else { break }
        source += 1
      }
      record[target] = record[source]
      source += 1
      target += 1
    }
    let value = UnsafeRawBufferPointer(rebasing: record[(offset + 1)..<target])
    let following = source + 1
    guard following < record.count else { return (value, nil) }
    guard record[following] == comma else {
      throw RecordError("text between a closing quote and the next comma", at: following)
    }
    // What unquoting left behind must not be taken for a line break when a later error's line is counted.
    for index in target..<source { record[index] = quote }
    return (value, following + 1)
  }
}

/// Bytes of a file for a message: valid UTF-8 without control characters, cut when long.
func printable(_ bytes: UnsafeRawBufferPointer) -> String {
  let text = String(decoding: bytes.prefix(60), as: UTF8.self)
  return escapingControls(text)
}

/// The text with its control characters as `\u{…}`: neither a terminal nor a line can be changed by what it holds.
func escapingControls(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
  return text.unicodeScalars.reduce(into: "") { result, scalar in
    if scalar.properties.generalCategory == .control {
      result += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
}
