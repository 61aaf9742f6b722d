import ManaJournal
import ManaServer
import SystemPackage

/// Standard output, written at once although it may be a pipe: who starts the server waits for its line.
enum StandardOutput {
  static func write(line: String) throws { _ = try FileDescriptor.standardOutput.writeAll((line + "\n").utf8) }
}

/// Standard error, for the one line that says why the server cannot go on.
enum StandardError {
  static func write(line: String) throws { _ = try FileDescriptor.standardError.writeAll((line + "\n").utf8) }
}

extension ServerError {
  /// The process's exit status, with the numbers of `sysexits.h`.
  var exitStatus: Int32 {
    switch self {
    case .loop: return 69
    case .journal(let error):
      return switch error {
      case .damaged, .digestMismatch, .identityDamaged, .shardMissing, .replayRefused: 65
      case .locked: 69
      case .system: 74
      default: 78
      }
    }
  }
}
