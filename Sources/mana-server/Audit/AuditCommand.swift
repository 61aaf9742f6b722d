import ArgumentParser
import ManaAudit
import ManaText

/// `mana-server audit`: what an audit log says.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Check an audit log, which a server writes with --audit-log.",
    discussion: """
      Each line is a JSON object: previous (the SHA-256 of the line before, in hexadecimal), sequence, time, event, who, \
      from, outcome, and what else the event has. Read it with jq:

        jq -r 'select(.event=="credit") | [.time, .who, .account, .amount] | @tsv' /var/log/mana/audit
      """,
    subcommands: [AuditVerifyCommand.self])
}

struct AuditVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that no line of an audit log was changed, added or taken out.",
    discussion: """
      Reads FILE and the files FILE.1, FILE.2, … before it. A server may be writing; if it begins a new \
      file just then, run this again.

      Lines that were cut off the end leave a chain that is whole. Keep the hash that this command prints where whoever \
      can change the log cannot, and give it with --expect the next time.

      EXIT STATUS
        0   the chain is whole, and the expected line is there
        65  it is not; the first bad line is named
        66  the file cannot be read

      EXAMPLES
        mana-server audit verify /var/log/mana/audit
        mana-server audit verify /var/log/mana/audit --expect 9f86d081…
        mana-server audit verify /var/log/mana/audit --json | jq -r .lastHash
      """)

  @Argument(help: "The audit log.")
  var file: String

  @Option(help: ArgumentHelp("The hash of a line that must be there.", valueName: "hash"))
  var expect: String?

  @Flag(help: "Print one line of JSON.")
  var json = false

  func validate() throws {
    guard let expect else { return }
    guard expect.utf8.count == 64, expect.allSatisfy({ "0123456789abcdef".contains($0) }) else {
      throw ValidationError("--expect takes the 64 hexadecimal digits that an earlier 'audit verify' printed")
    }
  }

  func run() throws {
    let found: AuditVerification
    do throws(AuditError) {
      found = try AuditVerification(of: file, expecting: expect)
    } catch {
      try StandardError.write(line: "mana-server: \(error)")
      throw ExitCode(66)
    }
    for line in json ? [found.json.description] : found.text(expecting: expect) {
      try StandardOutput.write(line: line)
    }
    if !found.isSound { throw ExitCode(65) }
  }
}

extension AuditVerification {
  fileprivate var json: JSONObject {
    var line = JSONObject()
    line.add("sound", isSound)
    line.add("files", files)
    line.add("firstSequence", firstSequence)
    line.add("lastSequence", lastSequence)
    line.add("lastHash", lastHash)
    line.add("endsTorn", endsTorn)
    if let hasExpected { line.add("hasExpected", hasExpected) }
    if let fault {
      var place = JSONObject()
      place.add("file", fault.file)
      place.add("line", fault.line)
      place.add("problem", fault.problem)
      line.add("fault", place)
    }
    return line
  }

  fileprivate func text(expecting expected: String?) -> [String] {
    if let fault {
      return [
        "broken at \(fault.file), line \(fault.line): \(fault.problem)",
        "Lines before it, up to number \(lastSequence), are as they were written; nothing from there on is proved.",
      ]
    }
    var lines = [
      lastSequence == 0
        ? "the log is empty"
        : "whole: lines \(NumberText.grouped(firstSequence)) to \(NumberText.grouped(lastSequence)) in "
          + ToolText.count(files.count, "file")
    ]
    if firstSequence > 1 {
      lines.append("Lines before \(NumberText.grouped(firstSequence)) are in files no longer there.")
    }
    if endsTorn { lines.append("The last line has no end yet: a server is writing it, or a crash cut it short.") }
    if let expected, hasExpected == false {
      lines.append("The line with the hash \(expected) is not there: lines were cut off, or the log is another one.")
    }
    lines.append("last hash \(lastHash)")
    return lines
  }
}
