public import ManaEventLoop
public import ManaJournal

/// Why a server cannot start, or had to end.
public enum ServerError: Error, Sendable, CustomStringConvertible {
  /// The data directory or a shard's journal.
  case journal(JournalError)
  /// A loop, or the address to listen on.
  case loop(EventLoopError)

  public var description: String {
    switch self {
    case .journal(let error): error.description
    case .loop(let error): error.description
    }
  }
}
