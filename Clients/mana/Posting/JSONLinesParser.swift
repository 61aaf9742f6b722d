// JSON Lines: each line is one object (RFC 8259) whose keys are the columns. A value is a string, a number or null;
// numbers are taken as they are written, never through a floating-point number.

/// Takes lines of a JSON Lines file apart, in place: an escaped string is unescaped where it lies.
struct JSONLinesParser {
  /// Finds the values of one line. Linear, without allocation.
  static func parse(_ line: UnsafeMutableRawBufferPointer) throws(RecordError) -> PostFields {
    var cursor = JSONCursor(bytes: line)
    var fields = PostFields()
    var seen: UInt16 = 0
    try cursor.expect(UInt8(ascii: "{"), "an object begins with {")
    if try !cursor.skip(UInt8(ascii: "}")) {
      repeat {
        let keyOffset = cursor.nextOffset()
        let key = try cursor.string("a key in quotes")
        guard let column = PostColumn(name: key) else {
          throw RecordError("the key '\(printable(key))' is none of \(PostColumn.names)", at: keyOffset)
        }
        guard seen & (1 << column.rawValue) == 0 else {
          throw RecordError("the key '\(column.name)' is there twice", at: keyOffset)
        }
        seen |= 1 << column.rawValue
        try cursor.expect(UInt8(ascii: ":"), "a colon after a key")
        let offset = cursor.nextOffset()
        fields.set(column, try cursor.value(), offset: offset)
      } while try cursor.skip(UInt8(ascii: ","))
      try cursor.expect(UInt8(ascii: "}"), "a comma or } after a value")
    }
    try cursor.expectEnd()
    return fields
  }
}

/// Reads the tokens of one line.
private struct JSONCursor {
  let bytes: UnsafeMutableRawBufferPointer
  private var offset = 0

  init(bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

  /// Where the next token begins.
  mutating func nextOffset() -> Int {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0D, 0x0A: offset += 1
      default: return offset
      }
    }
    return offset
  }

  /// Takes the byte when it is next.
  mutating func skip(_ byte: UInt8) throws(RecordError) -> Bool {
    guard nextOffset() < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  mutating func expect(_ byte: UInt8, _ expectation: String) throws(RecordError) {
    guard try skip(byte) else { throw RecordError("not JSON here: expected \(expectation)", at: offset) }
  }

  mutating func expectEnd() throws(RecordError) {
    guard nextOffset() == bytes.count else { throw RecordError("text after the object", at: offset) }
  }

  /// A string's content, a number's digits, or nothing for null.
  mutating func value() throws(RecordError) -> UnsafeRawBufferPointer {
    let start = nextOffset()
    guard start < bytes.count else { throw RecordError("not JSON here: expected a value", at: start) }
    if bytes[start] == UInt8(ascii: "\"") { return try string("a value") }
    while offset < bytes.count, isWord(bytes[offset]) { offset += 1 }
    let word = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
    if word.elementsEqual("null".utf8) { return UnsafeRawBufferPointer(start: nil, count: 0) }
    guard isNumber(word) else { throw RecordError("expected a string, a number or null", at: start) }
    return word
  }

  /// A string's content, without quotes and escapes.
  mutating func string(_ expectation: String) throws(RecordError) -> UnsafeRawBufferPointer {
    try expect(UInt8(ascii: "\""), expectation)
    let start = offset
    var target = offset
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return UnsafeRawBufferPointer(rebasing: bytes[start..<target])
      case UInt8(ascii: "\\"):
        try unescape(into: &target)
      case 0..<0x20:
        throw RecordError("a control character in a string; JSON escapes it", at: offset)
      default:
        bytes[target] = byte
        target += 1
        offset += 1
      }
    }
    throw RecordError("a string that is not closed", at: start - 1)
  }

  /// Replaces the escape at `offset` by what it stands for, which is never longer.
  private mutating func unescape(into target: inout Int) throws(RecordError) {
    let start = offset
    guard start + 1 < bytes.count else { throw RecordError("a string that is not closed", at: start) }
    let single: UInt8
    switch bytes[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): single = bytes[start + 1]
    case UInt8(ascii: "b"): single = 0x08
    case UInt8(ascii: "f"): single = 0x0C
    case UInt8(ascii: "n"): single = 0x0A
    case UInt8(ascii: "r"): single = 0x0D
    case UInt8(ascii: "t"): single = 0x09
    case UInt8(ascii: "u"):
      let scalar = try unicodeScalar()
      for byte in UTF8.encode(scalar)! {
        bytes[target] = byte
        target += 1
      }
      return
    default: throw RecordError("an escape that JSON does not have", at: start)
    }
    bytes[target] = single
    target += 1
    offset += 2
  }

  /// The scalar of a `\uXXXX`, or of the two that make a surrogate pair.
  private mutating func unicodeScalar() throws(RecordError) -> Unicode.Scalar {
    let start = offset
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    if UTF16.isLeadSurrogate(UInt16(first)), offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
      bytes[offset + 1] == UInt8(ascii: "u")
    {
      let second = try hexadecimal()
      if UTF16.isTrailSurrogate(UInt16(second)) {
        return Unicode.Scalar(0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF))!
      }
    }
    throw RecordError("half a surrogate pair", at: start)
  }

  private mutating func hexadecimal() throws(RecordError) -> UInt32 {
    guard offset + 6 <= bytes.count else { throw RecordError("an escape that JSON does not have", at: offset) }
    var value: UInt32 = 0
    for index in (offset + 2)..<(offset + 6) {
      guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
        throw RecordError("an escape that JSON does not have", at: offset)
      }
      value = value << 4 | UInt32(digit)
    }
    offset += 6
    return value
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"):
      true
    default: false
    }
  }

  /// Whether the word is a number as JSON writes it; what it may be is the column's to say.
  private func isNumber(_ word: UnsafeRawBufferPointer) -> Bool {
    var rest = word[...]
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return !rest.contains(UInt8(ascii: "+"))
  }
}
