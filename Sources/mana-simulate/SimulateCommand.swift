import ArgumentParser
import ManaTesting
import ManaText

@main struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mana-simulate",
    abstract: "Runs the server in simulated worlds, kills it again and again, and holds it to its word.",
    discussion: """
      Each seed is a world: a disk that forgets, tears, fails and lies, a clock that jumps, a network that cuts, delays \
      and garbles, and clients that ask again. The server in it is the real one. Afterwards every answer that a client \
      got is held against the histories.

      EXAMPLES
        mana-simulate --seeds 10000             ten thousand worlds, on every processor
        mana-simulate --seed 4711               one of them, with a trace of what happens
        mana-simulate --plant early-reply       a server with an error: the simulation has to find it

      The exit status is 1 when a seed found something, or when a run of 1,000 seeds or more left a kind of fault \
      untried.
      """,
    version: "mana-simulate \(releaseVersion)")

  @Option(help: "How many seeds to run.")
  var seeds = 1_000

  @Option(help: "The first of them.")
  var first: UInt64 = 1

  @Option(help: "Runs one seed and prints what happens in it, step by step.")
  var seed: UInt64?

  @Option(help: "How many processes run at the same time; all processors without it.")
  var jobs: Int?

  @Option(help: "Plants an error in the server, which has to be found: early-reply.")
  var plant: Simulation.Planted?

  @Flag(help: "Only worlds about spends, what ends them, and lists; else one in \(Traffic.worldsAboutSpends) is.")
  var aboutSpends = false

  @Flag(help: "Prints each seed's digest, which is the same every time.")
  var digests = false

  @Flag(help: "Prints the result as JSON.")
  var json = false

  @Option(help: .hidden)
  var stride: UInt64?

  func validate() throws {
    guard seeds > 0 else { throw ValidationError("--seeds takes a number of worlds, 1 or more.") }
    guard jobs ?? 1 > 0 else { throw ValidationError("--jobs takes a number of processes, 1 or more.") }
  }

  func run() throws {
    if let stride {
      Worker(seeds: seeds, first: first, stride: stride, plant: plant, tracing: seed != nil, isAboutSpends: aboutSpends)
        .run()
      return
    }
    var supervisor = Supervisor(
      seeds: seed == nil ? seeds : 1, first: seed ?? first, jobs: seed == nil ? jobs : 1, plant: plant,
      isAboutSpends: aboutSpends, isTracing: seed != nil, printsDigests: digests)
    let report = supervisor.run()
    print(json ? report.json : report.text, terminator: "")
    if report.isFailure { throw ExitCode(1) }
  }
}

extension Simulation.Planted: ExpressibleByArgument {}
