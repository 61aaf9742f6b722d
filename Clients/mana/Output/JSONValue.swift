import ManaText

/// A JSON value whose objects keep the order of their keys, printed on one line.
///
/// Numbers are integers only: amounts are strings, because the numbers of JSON are floating-point to most readers.
enum JSONValue: Equatable, CustomStringConvertible {
  case string(String)
  case integer(UInt64)
  case bool(Bool)
  case array([JSONValue])
  case object([Member])

  /// One key of an object.
  struct Member: Equatable {
    var key: String
    var value: JSONValue
  }

  /// An object of the members that are there; those without a value are left out.
  static func members(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    .object(members.compactMap { key, value in value.map { Member(key: key, value: $0) } })
  }

  /// An object with further members behind its own.
  func adding(_ more: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    guard case .object(let own) = self, case .object(let others) = Self.members(more) else { return self }
    return .object(own + others)
  }

  /// A string, or nothing when it is empty.
  static func unlessEmpty(_ text: String) -> JSONValue? { text.isEmpty ? nil : .string(text) }

  /// The string of an amount, an id or a moment.
  static func text(_ value: some CustomStringConvertible) -> JSONValue { .string(value.description) }

  var description: String {
    var output = ""
    write(to: &output)
    return output
  }

  private func write(to output: inout String) {
    switch self {
    case .string(let text): output += JSONString.quoted(text)
    case .integer(let number): output += String(number)
    case .bool(let flag): output += flag ? "true" : "false"
    case .array(let values):
      output += "["
      for (index, value) in values.enumerated() {
        if index > 0 { output += "," }
        value.write(to: &output)
      }
      output += "]"
    case .object(let members):
      output += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { output += "," }
        output += JSONString.quoted(member.key)
        output += ":"
        member.value.write(to: &output)
      }
      output += "}"
    }
  }
}
