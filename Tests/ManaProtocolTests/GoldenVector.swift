import Foundation

/// A JSON value that can be compared. Numbers of more than 32 bits are strings in the vectors.
enum JSONValue: Equatable, Sendable, Decodable {
  case null
  case bool(Bool)
  case number(Int)
  case string(String)
  case list([JSONValue])
  case object([String: JSONValue])

  /// Names the first place in which this differs from `other`, nil when they are equal.
  func difference(from other: JSONValue?, at path: String = "frame") -> String? {
    switch (self, other) {
    case (.object(let mine), .object(let others)):
      for key in Set(mine.keys).union(others.keys).sorted() {
        guard let value = mine[key] else { return "\(path).\(key): missing" }
        if let found = value.difference(from: others[key], at: "\(path).\(key)") { return found }
      }
      return nil
    case (.list(let mine), .list(let others)) where mine.count == others.count:
      return zip(mine, others).enumerated().lazy
        .compactMap { $1.0.difference(from: $1.1, at: "\(path)[\($0)]") }.first
    default: return self == other ? nil : "\(path): \(self), stated \(other, default: "nothing")"
    }
  }

  subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { return object[key] }
    return nil
  }

  var string: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  var number: Int? {
    if case .number(let value) = self { return value }
    return nil
  }

  var list: [JSONValue]? {
    if case .list(let value) = self { return value }
    return nil
  }
}

extension JSONValue {
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }
}

/// One frame of `Protocol/vectors`, and what it means or how it is refused.
struct GoldenVector: CustomStringConvertible, Sendable {
  var file: String
  var name: String
  /// `client` or `server`.
  var direction: String
  var stage: String
  var bytes: [UInt8]
  var isValid: Bool
  /// The meaning, of a frame that has one.
  var frame: JSONValue?
  /// How it is refused, of one that is not valid.
  var error: JSONValue?

  var description: String { "\(file): \(name)" }

  /// The statuses that the refusal may have.
  var statuses: [String] {
    [error?["status"]?.string].compactMap(\.self) + (error?["alternatives"]?.list ?? []).compactMap(\.string)
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Protocol/vectors")

  /// Every vector of every file in the folder itself; none when the folder is missing, which a test reports.
  static let all: [GoldenVector] = {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    return names.filter { $0.hasSuffix(".json") }.flatMap { name in
      (load(name)["vectors"]?.list ?? []).map { GoldenVector(file: name, $0) }
    }
  }()

  /// The entries of a file of values below `values/`.
  static func values(_ name: String) -> [JSONValue] { load("values/\(name).json")["values"]?.list ?? [] }

  private static func load(_ name: String) -> JSONValue {
    guard let data = try? Data(contentsOf: folder.appending(path: name)) else { return .null }
    return try! JSONDecoder().decode(JSONValue.self, from: data)
  }

  private init(file: String, _ value: JSONValue) {
    self.file = file
    name = value["name"]!.string!
    direction = value["direction"]!.string!
    stage = value["stage"]!.string!
    bytes = Self.bytes(hex: value["hex"]!.string!)
    isValid = value["valid"] == .bool(true)
    frame = value["frame"]
    error = value["error"]
  }

  static func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return Swift.stride(from: 0, to: digits.count, by: 2).map { index in
      UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)!
    }
  }
}
