/// Why a run ends before its result. The message says what to do.
enum LoadError: Error, Equatable, CustomStringConvertible {
  /// The settings do not fit each other or the server.
  case usage(String)
  /// There is no server, or no longer.
  case unreachable(String)
  /// The server says something that the protocol does not allow.
  case protocolViolation(String)
  /// Accounts do not hold what was acknowledged; the message names them.
  case verificationFailed(String)
  /// A result could not be written.
  case output(String)

  var description: String {
    switch self {
    case .usage(let message), .unreachable(let message), .protocolViolation(let message),
      .verificationFailed(let message), .output(let message):
      message
    }
  }

  /// The process's exit status, with the numbers of `sysexits.h`.
  var exitStatus: Int32 {
    switch self {
    case .usage: 64
    case .unreachable: 69
    case .protocolViolation, .verificationFailed: 1
    case .output: 74
    }
  }
}
