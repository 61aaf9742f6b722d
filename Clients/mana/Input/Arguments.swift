import ArgumentParser
import ManaClient
import ManaProtocol

// What the words of a command line mean. Each throws a `ValidationError` that says what would have been right, and so
// ends the command with status 64 before anything is sent.

func parseAccount(_ text: String) throws -> AccountID {
  guard let account = AccountID(text) else {
    throw ValidationError("an account is a UUID or an unsigned integer, not zero")
  }
  return account
}

func parseTransactionID(_ text: String) throws -> TransactionID {
  guard let id = TransactionID(text) else {
    throw ValidationError("an id is a UUID or an unsigned integer, not zero")
  }
  return id
}

/// An amount that a transaction can have.
func parseAmount(_ text: String) throws -> Mana {
  let amount = try parseAmountOrZero(text)
  guard amount > .zero else { throw ValidationError("an amount is above zero; its sign follows from the command") }
  return amount
}

/// An amount that a filter or a settlement can have.
func parseAmountOrZero(_ text: String) throws -> Mana {
  guard let amount = Mana(text), amount >= .zero else {
    throw ValidationError("an amount is a decimal number such as 500 or 1.5, with at most six decimal places")
  }
  return amount
}

func parseQuantity(_ text: String) throws -> Int {
  guard let quantity = UInt32(text), quantity > 0 else {
    throw ValidationError("a quantity is a whole number from 1 to \(UInt32.max)")
  }
  return Int(quantity)
}

/// An operation that a spend can be for.
func parseSpendOperation(_ text: String) throws -> ManaProtocol.Operation {
  let operations = ManaProtocol.Operation.allCases.filter { $0.type == .spend }
  guard let operation = operations.first(where: { $0.name == text }) else {
    throw ValidationError("a spend is for one of \(operations.map(\.name).joined(separator: ", "))")
  }
  return operation
}

func parseOperation(_ text: String) throws -> ManaProtocol.Operation {
  guard let operation = ManaProtocol.Operation(name: text) else {
    throw ValidationError(
      "an operation is one of \(ManaProtocol.Operation.allCases.map(\.name).joined(separator: ", "))")
  }
  return operation
}

func parseType(_ text: String) throws -> TransactionType {
  guard let type = TransactionType.recorded.first(where: { $0.name == text }) else {
    throw ValidationError("a type is one of \(TransactionType.recorded.map(\.name).joined(separator: ", "))")
  }
  return type
}

/// A note or a reference.
func parseText(_ text: String) throws -> String {
  guard text.utf8.count <= Limits.textBytesMax else {
    throw ValidationError("a note or a reference has at most \(Limits.textBytesMax) bytes, this one \(text.utf8.count)")
  }
  return text
}

func parseSettlementTimeout(_ text: String) throws -> Duration {
  let range = Limits.settlementMillisecondsMin...Limits.settlementMillisecondsMax
  guard let duration = parseDuration(text), range.contains(UInt64(duration.milliseconds)) else {
    throw ValidationError("a settlement timeout is a duration such as 30s, 5m or 2h, from 1s to 30d")
  }
  return duration
}

func parseTimeout(_ text: String) throws -> Duration {
  guard let duration = parseDuration(text), duration > .zero, duration <= .seconds(86_400) else {
    throw ValidationError("a timeout is a duration such as 500ms, 10s or 1m, up to 1d")
  }
  return duration
}

func parseTime(_ text: String) throws -> Timestamp {
  guard let moment = parseMoment(text, now: .now) else {
    throw ValidationError(
      "a time is 2026-01-15T10:30:00Z, a local 2026-01-15 or '2026-01-15 10:30', or how long ago: 15m, 2h, 1d")
  }
  return moment
}

func parseTimeZone(_ text: String) throws -> String {
  guard let zone = TimeZoneName(text) else {
    throw ValidationError("a time zone is UTC or a name that this system has rules for, such as Europe/Berlin")
  }
  return zone.description
}

func parseCursor(_ text: String) throws -> HistoryCursor {
  guard let cursor = HistoryCursor(text) else {
    throw ValidationError("a cursor is the number that the page before it has ended with")
  }
  return cursor
}

func parseAddress(_ text: String) throws -> ManaAddress {
  guard let address = ManaAddress(text) else {
    throw ValidationError("a server is HOST:PORT, such as 127.0.0.1:7420 or [::1]:7420, or unix:/PATH")
  }
  return address
}
