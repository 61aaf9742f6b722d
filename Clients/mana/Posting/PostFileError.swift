import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Why a file cannot be posted. Unless it has changed, nothing of it was.
enum PostFileError: Error, Equatable {
  /// A line that does not say what it should. Line and column count from 1, columns in bytes.
  case malformed(line: Int, column: Int, reason: String)
  /// The system would not let the file be read; the text is the system's.
  case unreadable(String)
  /// Something wrote to the file between its validation and its posting.
  case changed

  /// The error for people, the place first, as compilers name it.
  func description(of file: String) -> String {
    switch self {
    case .malformed(let line, let column, let reason): "\(file):\(line):\(column): \(reason)"
    case .unreadable(let reason): "\(file): \(reason)"
    case .changed:
      "\(file) changed while it was read. Its lines without an id would now get other ids: restore what it was "
        + "before running the command again, or what was posted would be charged a second time"
    }
  }

  /// The status to end with: a wrong file is wrong usage.
  var exitCode: ExitCode {
    switch self {
    case .malformed: .validationFailure
    case .unreadable: ExitCode(EX_NOINPUT)
    case .changed: ExitCode(EX_DATAERR)
    }
  }
}

/// What is wrong with a record, and where: an offset in bytes from the record's start. Without a line number, so that
/// the parsers need not count lines that are fine.
struct RecordError: Error, Equatable {
  let offset: Int
  let reason: String

  init(_ reason: String, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}
