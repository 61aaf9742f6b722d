import Logging
import ManaText

/// How events are written: for people, or for programs.
enum LogFormat: String, Sendable {
  /// `2026-11-26T16:20:43.123Z info recovered: accounts=3 transactions=7`
  case text
  /// `{"time":"…","level":"info","event":"recovered","accounts":3,"transactions":7}`
  case json
}

/// One event as one line, whatever its texts hold: control characters are escaped, so that nobody who calls the server
/// can write a line of its own.
struct LogLine {
  /// Nanoseconds since 1970; written to the millisecond.
  var time: UInt64
  /// A level's name.
  var level: String
  var event: String
  var fields: Logger.Metadata

  /// Keys that a field cannot have in JSON; one that does gets an underscore behind it.
  private static let reserved: Set<String> = ["time", "level", "event"]

  /// The line without its end. Linear.
  func formatted(_ format: LogFormat) -> String {
    switch format {
    case .text: text
    case .json: json
    }
  }

  private var timeText: String { LedgerText.time(time, decimals: 3) }

  private var text: String {
    var line = "\(timeText) \(level) \(Self.isPlain(event, allowing: " ,'") ? event : JSONString.quoted(event))"
    if !fields.isEmpty { line += ":" }
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      let word = value.description
      line += " \(key)=\(Self.isPlain(word) ? word : JSONString.quoted(word))"
    }
    return line
  }

  private var json: String {
    var line = JSONObject()
    line.add("time", timeText)
    line.add("level", level)
    line.add("event", event)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.add(Self.reserved.contains(key) ? key + "_" : key, value)
    }
    return line.description
  }

  /// Whether a text can stand without quotation marks.
  private static func isPlain(_ text: String, allowing more: String = "") -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", ":", "/", "[", "]", "@", "+", "%", "(", ")": true
        default: more.unicodeScalars.contains(scalar)
        }
      }
  }
}

extension JSONObject {
  /// A field of an event: numbers and truth values as such, everything else as text.
  fileprivate mutating func add(_ key: String, _ value: Logger.MetadataValue) {
    switch value {
    case .string(let text): add(key, text)
    case .stringConvertible(let value):
      if let number = value as? any BinaryInteger {
        add(key, number)
      } else if let truth = value as? Bool {
        add(key, truth)
      } else {
        add(key, value.description)
      }
    case .array(let values): add(key, values.map(\.description))
    case .dictionary(let fields):
      var object = JSONObject()
      for (key, value) in fields.sorted(by: { $0.key < $1.key }) { object.add(key, value) }
      add(key, object)
    }
  }
}
