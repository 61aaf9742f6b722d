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

  /// Writes a part of a progress display.
  static func tell(_ text: String) {
    do {
      _ = try FileDescriptor.standardError.writeAll(text.utf8)
    } catch {
      // Nobody can read it, so nobody misses it.
    }
  }
}

extension ServerError {
  /// The process's exit status, with the numbers of `sysexits.h`.
  var exitStatus: Int32 {
    switch self {
    case .loop: 69
    case .tls: 78
    case .journal(let error): error.exitStatus
    case .credentials, .audit, .insecureListening: 78
    }
  }
}

extension JournalError {
  /// The process's exit status, with the numbers of `sysexits.h`.
  var exitStatus: Int32 {
    switch self {
    case .damaged, .digestMismatch, .identityDamaged, .shardMissing, .replayRefused, .epochsExhausted: 65
    case .noLedger: 66
    case .locked: 69
    case .targetNotEmpty: 73
    case .system: 74
    default: 78
    }
  }
}
