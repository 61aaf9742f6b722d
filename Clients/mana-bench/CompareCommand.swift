import ArgumentParser

/// What one would use instead, in the same run on the same machine.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Measure Redis, PostgreSQL and grpc-swift-2 beside the ledger.",
    discussion: """
      Each does the work of a charge (has this id been seen, does the balance suffice, charge, history) and answers \
      when it is on disk; gRPC has nothing behind it. What is not installed is said so and left out.

      Examples:
        mana-bench compare
        mana-bench compare --markdown
        mana-bench compare --into README.md
      """)

  @OptionGroup var options: BenchOptions

  @Option(
    help: ArgumentHelp("The program of Clients/Comparison/grpc; without it gRPC is left out.", valueName: "path"))
  var grpc: String?

  func run() throws {
    try options.withWorkbench { workbench throws(BenchError) in
      let progress = Progress()
      let session = Session(workbench, plan: options.plan, progress: progress)
      let comparison = try Comparison(session, grpc: grpc)
      progress.end()
      System.write(try comparison.text(json: options.json, markdown: options.markdown) + "\n", to: 1)
      if let file = options.into {
        try Document.place(try comparison.text(json: false, markdown: true), at: "compare", inFile: file)
      }
    }
  }
}
