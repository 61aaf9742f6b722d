import Foundation

/// `Protocol/PROTOCOL.md` as tables.
struct Specification {
  /// A field of a layout table.
  struct Field: Equatable {
    var offset: Int
    var type: String
    var name: String
  }

  private let sections: [(heading: String, lines: [String])]

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "Protocol/PROTOCOL.md"), encoding: .utf8)
    var sections: [(heading: String, lines: [String])] = [("", [])]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("#") {
        sections.append((String(line.drop { $0 == "#" || $0 == " " }), []))
      } else {
        sections[sections.count - 1].lines.append(String(line))
      }
    }
    self.sections = sections
  }

  /// The rows, without heading and rule, of the table under `heading` whose first heading cell is `first`; the
  /// `number`-th of them, counted from 0. Cells come without their backticks.
  func table(under heading: String, first: String, number: Int = 0) -> [[String]] {
    let lines = sections.first { $0.heading == heading }?.lines ?? []
    var tables: [[[String]]] = []
    var inside = false
    for line in lines {
      if line.hasPrefix("|") {
        if !inside { tables.append([]) }
        tables[tables.count - 1].append(Self.cells(line))
      }
      inside = line.hasPrefix("|")
    }
    let matching = tables.filter { $0[0].first == first }
    return number < matching.count ? Array(matching[number].dropFirst(2)) : []
  }

  /// A layout table: the fields that have an integer type.
  func layout(under heading: String, number: Int = 0) -> [Field] {
    table(under: heading, first: "offset", number: number).flatMap { row in
      // Some tables have two halves side by side.
      Swift.stride(from: 0, to: row.count - 2, by: 4).compactMap { start -> Field? in
        guard let offset = Int(row[start]), ["u8", "u16", "u32", "u64", "i64", "u128"].contains(row[start + 1]) else {
          return nil
        }
        return Field(offset: offset, type: row[start + 1], name: row[start + 2])
      }
    }
  }

  private static func cells(_ line: String) -> [String] {
    line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
      $0.replacingOccurrences(of: "`", with: "").trimmingCharacters(in: .whitespaces)
    }
  }
}
