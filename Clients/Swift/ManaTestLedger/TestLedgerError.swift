/// Why a test has no ledger.
public enum TestLedgerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `mana-server` is at none of these paths.
  case programNotFound(searched: [String])
  /// The server ended, or took too long, before it was ready; what it said on standard error.
  case didNotStart(log: String)

  /// What happened, and what to do next.
  public var description: String {
    switch self {
    case .programNotFound(let searched):
      "mana-server is not at \(searched.joined(separator: ", nor at ")): let the test target depend on the product "
        + "mana-server of the package mana-ledger, or name the program in MANA_SERVER_PROGRAM"
    case .didNotStart(let log): "mana-server did not become ready; it said:\n\(log)"
    }
  }
}
