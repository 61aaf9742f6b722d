import ArgumentParser
import ManaProtocol
import ManaText

/// `mana-load`: reads its arguments, runs the load, prints what came of it.
@main
struct LoadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana-load",
    abstract: "Puts a Mana ledger under load and measures what it does.",
    discussion: """
      First it creates accounts and buys them more Mana than the run can spend; that is not measured. Then it sends \
      requests, as many as may be in flight (closed loop) or at a fixed rate (open loop, --rate: a latency is counted \
      from the moment at which the request was due, whether or not the server let it be sent). Rates count \
      transactions that were posted (read, for reads); a latency is that of a request.

      Scenarios:
      \(Scenario.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

      Examples:
        mana-load
        mana-load --scenario single-calls --in-flight 1
        mana-load --batch 1000 --in-flight 16 --rate 1000000 --duration 60 --report load.html
        mana-load --scenario mixed --connections 8 --verify
        mana-load --discard                    (how fast the load tester itself is)

      Exit status: 0 done, 1 the verification failed, 64 wrong usage, 69 no server.
      """,
    version: "mana-load \(releaseVersion)")

  @OptionGroup var options: LoadOptions

  func run() async throws {
    do throws(LoadError) {
      let settings = try options.settings()
      if options.discard {
        try emit(
          options.json ? GeneratorRun(settings: settings).run().json : GeneratorRun(settings: settings).run().text)
        return
      }
      let result = try await LoadRun(settings: settings, progress: ProgressLine()).run()
      if let report = options.report {
        try writing { () throws(SystemError) in try System.replaceFile(report, with: Report(result).html) }
      }
      try emit(options.json ? result.json : result.text)
      guard let verification = result.verification, !verification.passed else { return }
      throw .verificationFailed(verification.complaint)
    } catch {
      try System.write("mana-load: \(error)\n", to: 2)
      throw ExitCode(error.exitStatus)
    }
  }

  private func emit(_ text: String) throws(LoadError) {
    try writing { () throws(SystemError) in try System.write(text + "\n", to: 1) }
  }

  private func writing(_ body: () throws(SystemError) -> Void) throws(LoadError) {
    do throws(SystemError) {
      try body()
    } catch {
      throw .output("The result could not be written: \(error)")
    }
  }
}
