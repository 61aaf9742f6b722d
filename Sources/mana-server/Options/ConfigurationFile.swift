import ArgumentParser
import Configuration
import FoundationEssentials

/// A JSON file of settings: one object, a key a setting, in the names that `--print-configuration` prints.
struct ConfigurationFile {
  let path: String
  /// The keys that it has, sorted.
  let keys: [String]
  private let snapshot: JSONSnapshot

  /// - Throws: `ValidationError` that names the file when it cannot be read or is no JSON object.
  init(path: String) throws {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw ValidationError(
        "the configuration file \(path) cannot be read; check --configuration or MANA_CONFIGURATION")
    }
    try self.init(path: path, data: data)
  }

  init(path: String, data: Data) throws {
    self.path = path
    do {
      keys = try JSONDecoder().decode(Keys.self, from: data).names
      snapshot = try JSONSnapshot(data: data.bytes, providerName: path, parsingOptions: .default)
    } catch {
      throw ValidationError("the configuration file \(path) is no JSON object of texts, numbers and truth values")
    }
  }

  /// A setting as text; nil when the file does not have it.
  /// - Throws: When its value is of another kind than `kind`.
  func text(_ key: String, _ kind: SettingKind) throws -> String? {
    let name = AbsoluteConfigKey([key])
    switch kind {
    case .text: return try snapshot.value(forKey: name, type: .string).value?.content.text
    case .number: return try snapshot.value(forKey: name, type: .int).value?.content.text
    case .truth: return try snapshot.value(forKey: name, type: .bool).value?.content.text
    }
  }

  /// The keys of an object, whatever stands behind them.
  private struct Keys: Decodable {
    let names: [String]

    init(from decoder: any Decoder) throws {
      names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue).sorted()
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

/// What a setting's value is in JSON.
enum SettingKind {
  case text
  case number
  case truth

  /// What a message calls it.
  var name: String {
    switch self {
    case .text: "a text"
    case .number: "a whole number"
    case .truth: "true or false"
    }
  }
}

extension ConfigContent {
  /// The value as it would be written on the command line.
  var text: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .bool(let truth): String(truth)
    default: nil
    }
  }
}
