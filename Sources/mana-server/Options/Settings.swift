import ArgumentParser
import Configuration
import ManaText

/// Reads each setting from where it is given: a flag, else the environment, else the configuration file, else the
/// default. Remembers what it answered, so that `--print-configuration` shows exactly what the server runs with.
///
/// A setting has one name in three spellings: `--data-directory`, `MANA_DATA_DIRECTORY` and the key `dataDirectory`.
struct Settings {
  private let environment: EnvironmentVariablesProvider
  private let file: ConfigurationFile?
  /// What was answered, as JSON, in the order of the questions.
  private(set) var shown = JSONObject()
  private var known: Set<String> = []

  init(environment: EnvironmentVariablesProvider, file: ConfigurationFile?) {
    self.environment = environment
    self.file = file
  }

  // MARK: Answers

  /// A setting that `parse` understands. `range` says in words what it takes, for the message about a wrong value.
  ///
  /// - Parameters:
  ///   - flag: What the command line says, if it says anything.
  ///   - isSecret: Whether printing shows only that it is set.
  /// - Throws: `ValidationError` that names the flag, variable or key, its range and what was given.
  mutating func value<Value>(
    _ name: String, flag: String?, kind: SettingKind = .text, range: String, isSecret: Bool = false,
    parse: (String) -> Value?
  ) throws -> Value? {
    let key = Self.key(name)
    known.insert(key)
    guard let given = try given(name, key: key, flag: flag, kind: kind) else { return nil }
    guard let value = parse(given.text) else {
      throw ValidationError("\(given.place) takes \(range), not '\(isSecret ? "<redacted>" : given.text)'")
    }
    show(key, isSecret ? "<redacted>" : given.text, isSecret ? .text : kind)
    return value
  }

  /// The same with a default, which is shown as any other value.
  mutating func value<Value>(
    _ name: String, flag: String?, kind: SettingKind = .text, range: String, default fallback: (Value, shown: String),
    parse: (String) -> Value?
  ) throws -> Value {
    if let value = try value(name, flag: flag, kind: kind, range: range, parse: parse) { return value }
    show(Self.key(name), fallback.shown, kind)
    return fallback.0
  }

  /// Any text but an empty one.
  mutating func text(_ name: String, flag: String?, isSecret: Bool = false) throws -> String? {
    try value(name, flag: flag, range: "a text that is not empty", isSecret: isSecret) { $0.isEmpty ? nil : $0 }
  }

  mutating func text(_ name: String, flag: String?, default fallback: String) throws -> String {
    if let text = try text(name, flag: flag) { return text }
    show(Self.key(name), fallback, .text)
    return fallback
  }

  /// A whole number in a range, or of a kind that `isAllowed` tells; `unit` stands behind the range in messages.
  mutating func number(
    _ name: String, flag: String?, in range: ClosedRange<Int>, unit: String = "", article: String = "",
    isAllowed: (Int) -> Bool = { _ in true }
  ) throws -> Int? {
    let words = "\(article)\(range.lowerBound) to \(range.upperBound)\(unit.isEmpty ? "" : " " + unit)"
    return try value(name, flag: flag, kind: .number, range: words) { text in
      guard let number = Int(text), range.contains(number), isAllowed(number) else { return nil }
      return number
    }
  }

  /// True or false; false when nothing is said.
  mutating func truth(_ name: String, flag: Bool?) throws -> Bool {
    let text = flag.map { String($0) }
    return try value(
      name, flag: text, kind: .truth, range: "true or false", default: (false, shown: "false")
    ) { text in
      switch text.lowercased() {
      case "true", "yes", "1": true
      case "false", "no", "0": false
      default: nil
      }
    }
  }

  /// Refuses keys of the file that no setting has asked for: a misspelt one would otherwise do nothing, silently.
  ///
  /// - Precondition: All settings have been asked for.
  func refuseUnknownKeys() throws {
    guard let file, let key = file.keys.first(where: { !known.contains($0) }) else { return }
    throw ValidationError(
      "'\(key)' in \(file.path) is no setting; these are: \(known.sorted().joined(separator: ", "))")
  }

  // MARK: Where a value comes from

  private func given(
    _ name: String, key: String, flag: String?, kind: SettingKind
  ) throws -> (text: String, place: String)? {
    if let flag { return (flag, "--\(name)") }
    let variable = AbsoluteConfigKey(["mana", key])
    if let text = try environment.value(forKey: variable, type: .string).value?.content.text {
      return (text, Self.variable(name))
    }
    guard let file else { return nil }
    do {
      return try file.text(key, kind).map { ($0, "\(key) in \(file.path)") }
    } catch {
      throw ValidationError("\(key) in \(file.path) takes \(kind.name)")
    }
  }

  private mutating func show(_ key: String, _ text: String, _ kind: SettingKind) {
    switch kind {
    case .text: shown.add(key, text)
    case .number: shown.add(key, Int(text) ?? 0)
    case .truth: shown.add(key, ["true", "yes", "1"].contains(text.lowercased()))
    }
  }

  /// `data-directory` as a key of the file: `dataDirectory`.
  static func key(_ name: String) -> String {
    let words = name.split(separator: "-")
    return words.dropFirst().reduce(String(words[0])) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
  }

  /// `data-directory` as an environment variable: `MANA_DATA_DIRECTORY`.
  static func variable(_ name: String) -> String {
    "MANA_" + name.uppercased().split(separator: "-").joined(separator: "_")
  }
}
