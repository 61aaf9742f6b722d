import ManaClient
import ManaProtocol
import ManaText

/// The sums as a table whose numbers end in line, with a bar for what was spent.
///
/// ```
/// operation         spent  refunded  transactions  quantity
/// image_generation    3.0                       2            ██████
/// combination        10.0                       1     1,000  ████████████████████
/// refund                        2.0             1
/// total              13.0       2.0             4     1,000
/// ```
///
/// A column of which nothing is there is left out, but for what was spent and for the number of
/// transactions.
struct UsageTable {
  var hasColour: Bool
  /// Columns of the terminal.
  var width = UsageTable.widthUnlessTerminal

  /// How wide a table is for a file or a pipe.
  static let widthUnlessTerminal = 80
  /// The longest bar, in columns: longer ones are no easier to compare.
  private static let barMax = 40
  /// The shortest room that is worth a bar.
  private static let barMin = 4
  private static let gap = 2

  /// One column of numbers; an empty cell stands for zero.
  private struct Column: Sendable {
    var title: String
    var cell: @Sendable (UsageSum) -> String
  }

  private static let columns = [
    Column(title: "spent") { amount($0.spent) }, Column(title: "refunded") { amount($0.refunded) },
    Column(title: "purchased") { amount($0.purchased) }, Column(title: "bonus") { amount($0.bonus) },
    Column(title: "transactions") { NumberText.grouped(Int(clamping: $0.transactions)) },
    Column(title: "quantity") { $0.quantity == 0 ? "" : NumberText.grouped(Int(clamping: $0.quantity)) },
  ]

  private static func amount(_ amount: Mana) -> String { amount == .zero ? "" : amount.description }

  /// The lines of the table, without line breaks. Linear in the number of groups.
  func lines(_ usage: Usage) -> [String] {
    let groups = usage.groups
    guard !groups.isEmpty else { return ["no transactions"] }
    let columns = Self.columns.filter { column in
      ["spent", "transactions"].contains(column.title) || !column.cell(usage.total).isEmpty
    }
    let sums = groups.map(\.sum) + [usage.total]
    let names = [usage.grouping.rawValue] + groups.map(\.key.description) + ["total"]
    let nameWidth = names.map(\.count).max() ?? 0
    let widths = columns.map { column in
      max(column.title.count, sums.map { column.cell($0).count }.max() ?? 0)
    }
    func line(_ name: String, _ cells: [String], type: TransactionType?) -> String {
      var line = coloured(name, type) + String(repeating: " ", count: nameWidth - name.count)
      for (cell, width) in zip(cells, widths) {
        line += String(repeating: " ", count: Self.gap + width - cell.count) + cell
      }
      return line
    }
    let used = nameWidth + widths.reduce(0) { $0 + Self.gap + $1 }
    let barWidth = min(Self.barMax, width - used - Self.gap)
    let most = groups.map(\.sum.spent).max() ?? .zero
    var lines = [line(names[0], columns.map(\.title), type: nil)]
    for (key, sum) in groups {
      var row = line(key.description, columns.map { $0.cell(sum) }, type: key.type)
      if barWidth >= Self.barMin, sum.spent > .zero {
        let bar = Self.bar(sum.spent, of: most, width: barWidth)
        row += String(repeating: " ", count: Self.gap) + coloured(bar, .spend)
      }
      lines.append(row)
    }
    lines.append(line("total", columns.map { $0.cell(usage.total) }, type: nil))
    return lines.map(Self.withoutTrailingSpaces)
  }

  /// A bar of `part` when `most` fills `width` columns: whole blocks and one of eighths, rounded to the nearest eighth,
  /// and at least one eighth for what is above zero.
  static func bar(_ part: Mana, of most: Mana, width: Int) -> String {
    guard part > .zero, most >= part else { return "" }
    let product = UInt128(part.micromana) * UInt128(width * 8)
    let eighths = max(1, Int((product + UInt128(most.micromana) / 2) / UInt128(most.micromana)))
    let (whole, rest) = eighths.quotientAndRemainder(dividingBy: 8)
    return String(repeating: "█", count: whole) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest]
  }

  private func coloured(_ text: String, _ type: TransactionType?) -> String {
    guard hasColour, let type else { return text }
    return type.coloured(text)
  }

  private static func withoutTrailingSpaces(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}

extension Usage.Key {
  /// The type whose colour the name has; a day has none.
  fileprivate var type: TransactionType? {
    guard case .operation(let operation) = self else { return nil }
    return operation.type
  }
}
