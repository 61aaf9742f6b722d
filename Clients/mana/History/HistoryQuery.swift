import ManaClient
import ManaProtocol
import ManaText

/// Which part of a history is wanted.
struct HistoryQuery: Sendable {
  /// Where to begin.
  enum Start: Equatable, Sendable {
    case beginning
    case cursor(HistoryCursor)
    /// A page of `limit` transactions, the first one being 1.
    case page(Int)
  }

  var account: AccountID
  var filter: HistoryFilter
  var limit: Int
  var oldestFirst: Bool
  var start: Start

  /// Asks for as many of the server's pages as it takes.
  func fetch(_ client: ManaClient) async throws -> HistoryPart {
    var cursor: HistoryCursor?
    var skipped = 0
    switch start {
    case .beginning: break
    case .cursor(let chosen): cursor = chosen
    case .page(let number):
      if filter == .all {
        let count = try await client.account(account).transactionCount
        guard let first = Self.firstSequence(page: number, limit: limit, count: count, oldestFirst: oldestFirst) else {
          return HistoryPart(transactions: [], total: count)
        }
        cursor = HistoryCursor(sequence: first)
      } else {
        // How many transactions match is known only to who walks over them.
        skipped = (number - 1) * limit
      }
    }
    return try await fetch(client, from: cursor, skipping: skipped)
  }

  private func fetch(_ client: ManaClient, from start: HistoryCursor?, skipping count: Int) async throws -> HistoryPart
  {
    var part = HistoryPart(transactions: [], total: 0)
    var (cursor, toSkip) = (start, count)
    let pageMax = client.serverInformation?.pageMax ?? Limits.pageMax
    repeat {
      let wanted = toSkip > 0 ? toSkip : limit - part.transactions.count
      let page = try await client.page(
        of: account, matching: filter, limit: min(wanted, pageMax), from: cursor, oldestFirst: oldestFirst)
      if toSkip > 0 {
        toSkip -= page.transactions.count
      } else {
        part.transactions += page.transactions.map(ShownTransaction.init)
      }
      part.total = page.total
      cursor = page.nextCursor
    } while cursor != nil && part.transactions.count < limit
    part.nextCursor = cursor
    return part
  }

  /// The sequence number with which a page of an unfiltered history begins; nil when the history ends before it.
  static func firstSequence(page: Int, limit: Int, count: Int, oldestFirst: Bool) -> UInt64? {
    let (before, overflow) = (page - 1).multipliedReportingOverflow(by: limit)
    guard !overflow, before < count else { return nil }
    return UInt64(oldestFirst ? before + 1 : count - before)
  }
}

/// What was found.
struct HistoryPart: Equatable, Sendable {
  var transactions: [ShownTransaction]
  /// Number of transactions of the account, unfiltered.
  var total: Int
  var nextCursor: HistoryCursor?

  /// The JSON object that other programs rely on.
  var json: JSONValue {
    .members([
      "transactions": .array(transactions.map(\.json)), "total": .integer(UInt64(total)),
      "nextCursor": nextCursor.map { .integer($0.sequence) },
    ])
  }

  /// The last line of a table: how many of how many.
  func summary(isFiltered: Bool) -> String {
    let (shown, all) = (NumberText.grouped(transactions.count), NumberText.grouped(total))
    let noun = total == 1 ? "transaction" : "transactions"
    return isFiltered ? "\(shown) matching, of \(all) \(noun)" : "\(shown) of \(all) \(noun)"
  }
}

/// The command that was given, with another cursor: what shows the next page. Quoted for a POSIX shell.
func commandForNextPage(_ arguments: [String], cursor: HistoryCursor) -> String {
  var kept: [String] = []
  var isValue = false
  for argument in arguments.dropFirst() {
    if isValue {
      isValue = false
    } else if argument == "--cursor" || argument == "--page" {
      isValue = true
    } else if !argument.hasPrefix("--cursor="), !argument.hasPrefix("--page=") {
      kept.append(argument)
    }
  }
  return (["mana"] + kept + ["--cursor", cursor.description]).map(shellQuoted).joined(separator: " ")
}

private func shellQuoted(_ word: String) -> String {
  let plain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-_./:=,+@".utf8.contains(byte)
    }
  }
  if plain, !word.isEmpty { return word }
  return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
