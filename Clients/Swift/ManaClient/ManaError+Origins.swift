// How errors of the protocol, of the ledger and of the server become errors of calls.

internal import ManaProtocol

extension ManaError {
  /// A refused transaction, which changed nothing.
  init(_ refusal: Refusal) {
    self.init(
      .refused, execution: .notExecuted, message: refusal.description, status: refusal.status, refusal: refusal,
      transactionID: refusal.transactionID)
  }

  /// A reply that does not follow the protocol. What it was meant to say is not known.
  init(malformed error: ProtocolError, transactionID: TransactionID? = nil) {
    self.init(
      .malformedReply, execution: .unknown, message: error.message, status: nil, transactionID: transactionID,
      cause: error)
  }

  /// A reply whose header has a status other than `ok`.
  ///
  /// - Parameters:
  ///   - header: the reply's header.
  ///   - body: what the server adds for people.
  init(refusedRequest header: FrameHeader, body: ErrorBody, transactionID: TransactionID?) {
    let status = Status(rawValue: header.status)
    let name = status?.name ?? "status \(header.status)"
    let code: Code
    switch status {
    case .deadlineExceeded: code = .deadlineExceeded
    case .some(let known) where known.rawValue < 256: code = .refused
    default: code = .requestRefused
    }
    let explanation = body.text.isEmpty ? status.map { Refusal.sentence(for: $0) } ?? "" : loggable(body.text)
    self.init(
      code, execution: header.flags.contains(.notExecuted) || code == .refused ? .notExecuted : .unknown,
      message: explanation.isEmpty || explanation == name ? name : "\(name): \(explanation)", status: status,
      transactionID: transactionID,
      retryAfter: header.microseconds == 0 ? nil : .microseconds(Int64(header.microseconds)))
  }

  /// What a `goAway` says, as the reason for which a connection ends.
  init(goAway header: FrameHeader, body: ErrorBody?, during code: Code) {
    let status = Status(rawValue: header.status)
    let text = body.map { loggable($0.text) } ?? ""
    let name = status?.name ?? "status \(header.status)"
    self.init(
      code, execution: .notExecuted,
      message: "the server ended the connection: \(name)\(text.isEmpty ? "" : ": \(text)")",
      status: status, retryAfter: header.microseconds == 0 ? nil : .microseconds(Int64(header.microseconds)))
  }
}

/// A text of the other side as one line of bounded length, without control characters: a log is no terminal.
func loggable(_ text: String) -> String {
  String(text.unicodeScalars.prefix(512).map { $0.properties.generalCategory == .control ? " " : Character($0) })
}
