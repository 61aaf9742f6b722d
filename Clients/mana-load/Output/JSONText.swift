/// A JSON object, written key by key in the order of the calls, on one line.
struct JSONText {
  private var members: [String] = []

  var text: String { "{" + members.joined(separator: ",") + "}" }

  mutating func add(_ key: String, _ value: String) { add(key, raw: Self.quoted(value)) }
  mutating func add(_ key: String, _ value: some BinaryInteger) { add(key, raw: String(value)) }
  mutating func add(_ key: String, _ value: Bool) { add(key, raw: value ? "true" : "false") }
  /// A number with at most so many decimal places.
  mutating func add(_ key: String, _ value: Double, places: Int) { add(key, raw: Text.fixed(value, places: places)) }
  mutating func add(_ key: String, _ value: JSONText) { add(key, raw: value.text) }
  mutating func add(_ key: String, _ values: [JSONText]) {
    add(key, raw: "[" + values.map(\.text).joined(separator: ",") + "]")
  }

  private mutating func add(_ key: String, raw: String) { members.append(Self.quoted(key) + ":" + raw) }

  /// Source: RFC 8259, section 7.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{00}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
