import ArgumentParser
import ManaClient
import ManaProtocol

/// How a command that failed ends: what it says, and its exit status.
struct Failure: Equatable {
  /// For people, on standard error: what happened and what to do next.
  var message: String
  var exitCode: ExitCode
  /// For programs, on standard output, when the ledger has spoken.
  var json: JSONValue?
}

extension ExitCode {
  /// The ledger refused it; nothing was changed by what was refused.
  static let refused = ExitCode(2)
  /// No server could be reached, it was lost, or it asks to be called again later.
  static let unavailable = ExitCode(69)
}

extension Failure {
  /// What a client's error means for whoever typed the command.
  init(_ error: ManaError, address: ManaAddress) {
    switch error.code {
    case .refused, .requestRefused:
      let status = error.status ?? .ok
      let reason = error.refusal?.description ?? error.message
      self.init(
        message: "refused: \(status.name): \(Self.withoutName(reason, of: status))",
        exitCode: error.isRetryable ? .unavailable : .refused,
        json: .members(["status": .string(status.name), "message": .string(Self.withoutName(reason, of: status))]))
    case .invalidArgument:
      self.init(message: error.message, exitCode: .validationFailure)
    default:
      var message = error.message
      if let cause = error.cause { message += ": \((cause as? ManaError)?.message ?? String(describing: cause))" }
      if !message.contains(address.description) { message = "\(address): \(message)" }
      self.init(message: message + Self.advice(for: error, at: address), exitCode: .unavailable)
    }
  }

  /// Says it, and gives the status to end with.
  func report(_ console: Console) -> ExitCode {
    if let json, console.isJSON { console.line(json.description) }
    console.error(message)
    return exitCode
  }

  /// What to do about a server that cannot be reached, or a call whose fate is unknown.
  private static func advice(for error: ManaError, at address: ManaAddress) -> String {
    if error.execution == .unknown, let id = error.transactionID {
      return "\nIt is not known whether the transaction was executed. Repeat the command with --id \(id): "
        + "that charges at most once."
    }
    switch error.status {
    case .credentialMissing, .credentialUnknown:
      return "\nName the file with your token with --token-file, or set MANA_TOKEN; whoever runs the server makes one "
        + "with `mana-server token create`."
    case .credentialExposed:
      return "\nHave the token revoked, and connect from the same machine or with TLS (--tls)."
    default: break
    }
    switch error.code {
    case .tlsFailed:
      return "\nSee --tls, --tls-ca, --tls-certificate, --tls-key and --tls-server-name in `mana --help`."
    case .handshakeFailed where error.status == .prefaceMismatch:
      return ""
    case .notConnected where address == ServerOptions.defaultAddress:
      return "\nIs the server running? Start it with `mana-server`, or name another one with --server."
    case .notConnected, .handshakeFailed, .notManaServer:
      return "\nCheck the address that --server or MANA_SERVER gives, and that `mana-server` runs there."
    default: return ""
    }
  }

  /// The reason without the status's name in front, which has a key of its own.
  private static func withoutName(_ reason: String, of status: Status) -> String {
    let prefix = "\(status.name): "
    return reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason
  }
}
