import ArgumentParser
import ManaClient
import ManaText

struct PostCommand: ConnectingCommand {
  static let configuration = CommandConfiguration(
    commandName: "post",
    abstract: "Post a file of transactions, in large batches.",
    discussion: """
      FILE is CSV or JSON Lines; - is standard input. CSV begins with a line that
      names its columns, in any order:

        account,type,operation,amount,quantity,note,reference,id,related

      JSON Lines has an object with these keys on each line. account, type and
      amount are required; empty and null mean absent. A spend needs its operation,
      a refund the id of its spend as related. Quoting follows RFC 4180.

      The whole file is checked first: when a line is wrong, its place is named,
      nothing is posted and the status is 64. The transactions of an account are
      posted in the file's order. Refused lines do not stop the others; with refused
      lines the status is 2.

      Running the command again with the same file is safe: what was posted is
      replayed, not charged again. For that, a line without an id has one that
      follows from the file's content and the line's number:

        SHA-256(SHA-256(whole file) · line number as 8 bytes, big-endian),
        the first 16 bytes,

      written as a UUID. Lines count from 1, header included. So a file that was
      edited is another file, whose lines would all be charged anew: give the lines
      ids when a file may change.

      EXAMPLES
        mana post charges.csv
        mana post charges.csv --check
        generate-charges | mana post - --json
      """)

  @ParentCommand var root: ManaCommand
  @OptionGroup var options: ServerOptions
  @Argument(help: "The file; - is standard input.") var file: String
  @Flag(help: "Check the file and post nothing; no server is needed.") var check = false

  func run() async throws {
    let console = console
    do {
      let opened = try PostFile(opening: file)
      let content = try Self.validate(opened, console)
      guard !check, content.lines > 0 else {
        return console.result(
          .members(["transactions": .integer(UInt64(content.lines))]),
          "\(opened.name): \(NumberText.grouped(content.lines)) well-formed \(content.lines == 1 ? "transaction" : "transactions")"
        )
      }
      try await connect(console) { client in
        try await Self.post(opened, content, client, console)
      }
    } catch let error as PostFileError {
      console.error(error.description(of: file == "-" ? "standard input" : file))
      throw error.exitCode
    }
  }

  private static func validate(_ file: borrowing PostFile, _ console: Console) throws -> PostFileContent {
    var meter = ProgressMeter("bytes checked", total: file.bytes, console: console)
    defer { meter.finish() }
    return try file.validate { meter.update($0) }
  }

  private static func post(
    _ file: borrowing PostFile, _ content: PostFileContent, _ client: ManaClient, _ console: Console
  ) async throws {
    let start = ContinuousClock.now
    var meter = ProgressMeter("transactions", total: content.lines, console: console)
    do {
      let summary = try await Poster(client: client).post(file, content) { meter.update($0.answered) }
      meter.finish()
      console.result(summary.json, summary.text(of: content.lines, elapsed: ContinuousClock.now - start))
      for text in summary.refusalTexts { console.error(text) }
      if summary.refused > 0 { throw ExitCode.refused }
    } catch let interruption as Poster.Interruption {
      meter.finish()
      console.error(
        "interrupted: \(interruption.summary.text(of: content.lines, elapsed: ContinuousClock.now - start)). "
          + "Running the same command again continues safely: what was posted is not charged again.")
      throw interruption.cause
    }
  }
}
