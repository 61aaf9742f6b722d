/// One JSON object on one line, with its keys in the order in which they were added.
public struct JSONObject: CustomStringConvertible, Sendable {
  private var body = ""

  public init() {}

  public var description: String { "{\(body)}" }

  public mutating func add(_ key: String, _ text: String) { add(key, raw: JSONString.quoted(text)) }
  public mutating func add(_ key: String, _ number: some BinaryInteger) { add(key, raw: String(number)) }
  public mutating func add(_ key: String, _ flag: Bool) { add(key, raw: flag ? "true" : "false") }
  /// A number with so many decimal places.
  public mutating func add(_ key: String, _ number: Double, places: Int) {
    add(key, raw: NumberText.fixed(number, places: places))
  }
  public mutating func add(_ key: String, _ object: JSONObject) { add(key, raw: object.description) }
  public mutating func add(_ key: String, _ objects: [JSONObject]) {
    add(key, raw: "[" + objects.map(\.description).joined(separator: ",") + "]")
  }
  public mutating func add(_ key: String, _ texts: [String]) {
    add(key, raw: "[" + texts.map(JSONString.quoted).joined(separator: ",") + "]")
  }

  private mutating func add(_ key: String, raw: String) {
    if !body.isEmpty { body += "," }
    body += JSONString.quoted(key) + ":" + raw
  }
}

/// Strings of JSON.
public enum JSONString {
  /// A string with its quotation marks. Escapes what RFC 8259 requires, and DEL and the line separators, which break the
  /// tools that read lines. Linear.
  public static func quoted(_ text: String) -> String {
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
