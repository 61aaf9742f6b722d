/// Rows of text under a heading.
struct Table: Equatable {
  enum Alignment { case left, right }

  var columns: [(title: String, alignment: Alignment)]
  var rows: [[String]]

  static func == (left: Table, right: Table) -> Bool { left.markdown == right.markdown }

  /// For a terminal: columns as wide as their widest cell, two spaces apart, no trailing space.
  var plain: String {
    let widths = columns.indices.map { column in
      ([columns[column].title] + rows.map { $0[column] }).map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { index in
        let space = String(repeating: " ", count: widths[index] - cells[index].count)
        return columns[index].alignment == .left ? cells[index] + space : space + cells[index]
      }
      let text = padded.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
    return ([line(columns.map(\.title))] + rows.map(line)).joined(separator: "\n")
  }

  /// As Markdown. A bar in a cell is escaped.
  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| "
        + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
        .joined(separator: " | ") + " |"
    }
    let marks = columns.map { $0.alignment == .left ? "---" : "---:" }
    return ([line(columns.map(\.title)), "|" + marks.joined(separator: "|") + "|"] + rows.map(line))
      .joined(separator: "\n")
  }
}
