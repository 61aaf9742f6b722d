import ArgumentParser

/// The whole list, or some of it: goal, measured, verdict.
struct FiguresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figures",
    abstract: "Measure what the ledger is held to, and say what it reaches.",
    discussion: """
      Groups for --only:
      \(FigureGroup.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

      What a figure is compared with is measured in the same run. Exit status: 0 measured, whatever the verdicts (but \
      see --strict), 69 a program is missing, 70 one of them failed.

      Examples:
        mana-bench figures
        mana-bench figures --quick --only reads
        mana-bench figures --json > figures.json
      """)

  @OptionGroup var options: BenchOptions

  @Option(help: "Only this group; may be given several times.")
  var only: [FigureGroup] = []

  @Flag(help: "End with status 1 when a goal is missed.")
  var strict = false

  func run() throws {
    var isMissed = false
    try options.withWorkbench { workbench throws(BenchError) in
      let progress = Progress()
      let session = Session(workbench, plan: options.plan, progress: progress)
      let groups = FigureGroup.allCases.filter { only.isEmpty || only.contains($0) }
      var figures: [Figure] = []
      for group in groups {
        let measured = try group.measure(session)
        progress.end()
        // The list takes minutes: each part is shown when it is known.
        if !options.json && !options.markdown { System.write(FigureText.lines(measured) + "\n", to: 1) }
        figures += measured
      }
      let list = FigureList(
        date: System.today(), machine: session.machine.map(MachineText.text) ?? MachineText.unknown,
        plan: options.plan.text, figures: figures)
      System.write(try FigureText.whole(list, json: options.json, markdown: options.markdown) + "\n", to: 1)
      if let file = options.into {
        let table = try FigureText.whole(list, json: false, markdown: true)
        try Document.place(table, at: "figures", inFile: file)
      }
      isMissed = list.missed > 0
    }
    if strict && isMissed { throw ExitCode(1) }
  }
}
