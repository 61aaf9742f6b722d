/// Why nothing, or nothing further, could be measured. The message says what to do.
enum BenchError: Error, Equatable, CustomStringConvertible {
  /// A program that is needed is not there.
  case missing(program: String, advice: String)
  /// A program that was started did not do what it was started for.
  case failed(what: String, output: String)
  /// The machine does not let us.
  case system(call: String, code: Int32)
  /// Ctrl-C, or SIGTERM.
  case interrupted

  var description: String {
    switch self {
    case .missing(let program, let advice): "\(program) is not there. \(advice)"
    case .failed(let what, let output): output.isEmpty ? what : "\(what):\n\(output)"
    case .system(let call, let code): "\(call): \(System.errorText(code))"
    case .interrupted: "interrupted; what was started is ended, what was written is removed"
    }
  }

  /// The process's exit status, with the numbers of `sysexits.h`.
  var exitStatus: Int32 {
    switch self {
    case .missing: 69
    case .failed: 70
    case .system: 71
    case .interrupted: 130
    }
  }
}
