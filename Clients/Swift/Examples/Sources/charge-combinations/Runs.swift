import Foundation
import ManaClient

/// The lines of a file, each a run of combinations for an account.
struct Runs {
  struct Run {
    var account: AccountID
    var combinations: Int
  }

  struct BadLine: Error, CustomStringConvertible {
    var line: Int
    var description: String { "line \(line) is not ACCOUNT,COMBINATIONS" }
  }

  private let lines: [Substring]

  init(file: URL) throws {
    lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
  }

  var count: Int { lines.count }

  /// The run of line `line`, counted from 0.
  subscript(line: Int) -> Run {
    get throws {
      let fields = lines[line].split(separator: ",")
      guard fields.count == 2, let account = AccountID(String(fields[0])), let combinations = UInt32(fields[1]),
        combinations > 0
      else { throw BadLine(line: line + 1) }
      return Run(account: account, combinations: Int(combinations))
    }
  }
}

/// How many lines of a job are done, in a file that outlives the process.
struct Progress {
  let file: URL

  /// 0 before the first batch. What it says may be too little after a crash, never too much.
  var line: Int {
    get throws {
      guard FileManager.default.fileExists(atPath: file.path()) else { return 0 }
      return Int(try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
  }

  func save(_ line: Int) throws { try Data("\(line)\n".utf8).write(to: file, options: .atomic) }
}
