import ManaClient
import ManaProtocol

/// The table of the customer's usage page: operation, signed amount, balance after, time, and in parentheses what else
/// there is to say.
///
/// ```
/// image_generation    -1.5    998.5    10:30 AM
/// combination         -10.0   500.0    2:00 PM   (1000 combos)
/// purchase            +500.0  1500.0   Jan 15    ($40 Creator Pack)
/// ```
struct HistoryTable {
  /// How times are written.
  var clock: WallClock
  /// Whether operations and amounts have the colour of their type.
  var hasColour: Bool
  /// Whether lines end with the transaction's id.
  var hasIDs = false

  /// Where the page has its columns, and the least space between one column's longest text and the next column.
  private static let stops = [19, 28, 37, 47]
  private static let gaps = [4, 2, 2, 2]

  /// The lines of the table, without line breaks. Linear.
  func lines(_ transactions: [ShownTransaction]) -> [String] {
    let rows = transactions.map(cells)
    let starts = columnStarts(rows)
    return zip(transactions, rows).map { transaction, row in line(row, starts: starts, type: transaction.type) }
  }

  private func cells(_ transaction: ShownTransaction) -> [String] {
    var cells = [
      transaction.operation.name, transaction.change.signedDescription, transaction.balanceAfter.description,
      transaction.timestamp.map(clock.page) ?? "", transaction.detail,
    ]
    if hasIDs { cells.append("id \(transaction.id)") }
    return cells
  }

  /// Where each column starts: at the page's stop, or further right when the columns before need the room.
  private func columnStarts(_ rows: [[String]]) -> [Int] {
    var starts = [0]
    for column in 1..<(hasIDs ? 6 : 5) {
      let longest = rows.map { $0[column - 1].count }.max() ?? 0
      let gap = column <= Self.gaps.count ? Self.gaps[column - 1] : 2
      let stop = column <= Self.stops.count ? Self.stops[column - 1] : 0
      // Without details their column takes no room.
      starts.append(longest == 0 && column > 4 ? starts[column - 1] : max(stop, starts[column - 1] + longest + gap))
    }
    return starts
  }

  private func line(_ row: [String], starts: [Int], type: TransactionType) -> String {
    var line = ""
    var width = 0
    for (column, cell) in row.enumerated() where !cell.isEmpty {
      line += String(repeating: " ", count: starts[column] - width)
      line += hasColour && column < 2 ? type.coloured(cell) : cell
      width = starts[column] + cell.count
    }
    return line
  }
}

extension TransactionType {
  /// The text in the colour that the usage page gives to the type: spend red, purchase green, refund blue, bonus gold,
  /// which among the colours that every terminal has is yellow.
  func coloured(_ text: String) -> String {
    let code =
      switch self {
      case .spend: 31
      case .purchase: 32
      case .refund: 34
      case .bonus: 33
      case .settlement: 39
      }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
