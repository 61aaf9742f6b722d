import ManaText

/// One thing that an audit log says happened. Holds no secret: who is meant is named by a credential's label.
public struct AuditEntry: Sendable {
  public enum Event: String, Sendable {
    /// The server serves, with the credentials that `credentialInForce` lists; or has ended.
    case start, stop
    /// Somebody is let in from here on, is no longer, or may do something else than before.
    case credentialInForce, credentialRevoked
    /// The files that may change while the server runs were read anew, or could not be.
    case reload
    /// The server began to end.
    case drain
    /// A connection was ended, before its handshake was complete or because of what its caller did.
    case connectionRefused
    /// A call was refused because of who the caller is.
    case callRefused
    /// Mana was made: purchases and bonuses.
    case credit
    /// So many entries about refusals found no room.
    case entriesDropped
    /// The end of a line that a crash had cut short was taken away.
    case tornLineRemoved
  }

  public enum Value: Sendable {
    case text(String)
    case number(UInt64)
  }

  public var event: Event
  /// Nanoseconds since 1970.
  public var time: UInt64
  /// The caller's credential; empty where there is none.
  public var who: String
  /// The caller's address; empty where there is none.
  public var from: String
  /// `ok`, or the name of the status that a caller was told.
  public var outcome: String
  public var details: [(key: String, value: Value)]

  public init(
    _ event: Event, time: UInt64, who: String = "", from: String = "", outcome: String = "ok",
    details: [(key: String, value: Value)] = []
  ) {
    self.event = event
    self.time = time
    self.who = who
    self.from = from
    self.outcome = outcome
    self.details = details
  }

  /// Longer texts are cut, so that a line has a bound.
  private static let scalarsMax = 512

  /// The line without its end. The hash comes first, where it is found without reading the rest.
  func line(previous: String, sequence: UInt64) -> String {
    var line = JSONObject()
    line.add("previous", previous)
    line.add("sequence", sequence)
    line.add("time", LedgerText.time(time))
    line.add("event", event.rawValue)
    if !who.isEmpty { line.add("who", Self.bounded(who)) }
    if !from.isEmpty { line.add("from", Self.bounded(from)) }
    line.add("outcome", Self.bounded(outcome))
    for (key, value) in details {
      switch value {
      case .text(let text): line.add(key, Self.bounded(text))
      case .number(let number): line.add(key, number)
      }
    }
    return line.description
  }

  private static func bounded(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(scalarsMax)))
  }
}
