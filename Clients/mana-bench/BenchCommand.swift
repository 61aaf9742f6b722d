import ArgumentParser
import ManaText

/// `mana-bench`: starts servers in temporary directories, drives them, and says how what was measured compares with
/// what is wanted (`figures`) and with what one would use instead (`compare`).
@main
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana-bench",
    abstract: "Measures the Mana ledger against its goals and its peers, and tortures it, on this machine.",
    discussion: """
      Servers listen on loopback and keep their data in a temporary directory, which is removed at the end; so does \
      Ctrl-C. `mana-server` and `mana-load` are those beside this program, built in release: `make bench` and \
      `make compare` see to that.

      Examples:
        mana-bench figures                       (the whole list: some minutes)
        mana-bench figures --quick               (shorter, and coarser)
        mana-bench figures --only batches --only single-calls
        mana-bench compare --into README.md      (brings its table up to date)
        mana-bench torture --minutes 10          (kills servers and looks for what is lost)
      """,
    version: "mana-bench \(releaseVersion)",
    subcommands: [FiguresCommand.self, CompareCommand.self, TortureCommand.self])
}

/// What both subcommands take.
struct BenchOptions: ParsableArguments {
  @Flag(help: "Shorter runs, once each: coarser figures.")
  var quick = false

  @Option(
    help: ArgumentHelp(
      "Where the temporary directory is made; on the disk that is to be measured.", valueName: "directory"))
  var directory = "/var/tmp"

  @Option(help: "Seconds of each measurement. Default: 5, with --quick 2.")
  var seconds: Double?

  @Option(help: "How often each rate is measured; the median counts. Default: 3, with --quick 1.")
  var rounds: Int?

  @Flag(help: "Print the result as one JSON object.")
  var json = false

  @Flag(help: "Print the result as a Markdown table.")
  var markdown = false

  @Option(
    help: ArgumentHelp(
      "Also write the Markdown table into this file, between <!-- measured: NAME --> (NAME is figures or compare) and "
        + "<!-- end -->.", valueName: "file"))
  var into: String?

  func validate() throws {
    if let seconds, !(seconds >= 0.5 && seconds <= 600) {
      throw ValidationError("--seconds takes 0.5 to 600, not \(seconds)")
    }
    if let rounds, !(1...99).contains(rounds) { throw ValidationError("--rounds takes 1 to 99, not \(rounds)") }
    if json && markdown { throw ValidationError("--json and --markdown exclude each other") }
  }

  /// How long and how often things are measured.
  var plan: Plan {
    var plan = quick ? Plan.quick : Plan.standard
    if let seconds { plan.seconds = seconds }
    if let rounds { plan.rounds = rounds }
    return plan
  }

  /// Runs `body` with a workbench that is cleared away afterwards, whatever happens, Ctrl-C included.
  func withWorkbench(_ body: (Workbench) throws(BenchError) -> Void) throws {
    System.watchInterrupts()
    do throws(BenchError) {
      let workbench = try Workbench(below: directory)
      defer { workbench.clear() }
      try body(workbench)
    } catch {
      System.write("mana-bench: \(error)\n", to: 2)
      throw ExitCode(error.exitStatus)
    }
  }
}
