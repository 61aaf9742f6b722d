/// One JSON object on one line, with its keys in the order in which they were added. Numbers are integers only.
struct JSONLine: CustomStringConvertible {
  private var body = ""

  var description: String { "{\(body)}" }

  mutating func add(_ key: String, _ text: String) { add(key, raw: Self.quoted(text)) }
  mutating func add(_ key: String, _ number: some BinaryInteger) { add(key, raw: String(number)) }
  mutating func add(_ key: String, _ flag: Bool) { add(key, raw: flag ? "true" : "false") }
  mutating func add(_ key: String, _ object: JSONLine) { add(key, raw: object.description) }
  mutating func add(_ key: String, _ objects: [JSONLine]) {
    add(key, raw: "[" + objects.map(\.description).joined(separator: ",") + "]")
  }
  mutating func add(_ key: String, _ texts: [String]) {
    add(key, raw: "[" + texts.map(Self.quoted).joined(separator: ",") + "]")
  }

  private mutating func add(_ key: String, raw: String) {
    if !body.isEmpty { body += "," }
    body += "\"\(key)\":\(raw)"
  }

  /// Escapes what RFC 8259 requires, and DEL and the line separators, which break the tools that read lines.
  private static func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + "\""
  }
}
