import ArgumentParser

/// Kills, faults, and whether anything was lost.
struct TortureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "torture",
    abstract: "Kill a server under load again and again, and compare every account.",
    discussion: """
      Under `mana-load --scenario mixed --verify`, servers on one directory are killed after a moment or while they \
      recover, and started again. One in four runs under `strace`, which makes a system call fail, fall short or take \
      long. After each load every account holds what was acknowledged, and what had no reply was posted once or not at \
      all; then `mana-server verify` executes the journal. Where `strace` may not trace, servers are only killed.

      A kill -9 tests no disk: the page cache outlives the process. So every other ledger lies on an ext4 of its own, \
      on a loop device, and is told to forget what it has not flushed. That takes root; where it cannot be done, it is \
      said so and left out.

      Most of a kill is waiting, so that several such programs at a time, in lanes, kill more a minute than one. Each \
      has its share of the counts, and a disk of its own.

      The seed decides what is done and how long is waited. How far the server has come by then is for the machine.

      Exit status: 0 nothing found, 69 a program is missing, 70 something was found, and then the data directory is \
      kept and named, or a count was not reached in time.

      Examples:
        mana-bench torture --minutes 10
        mana-bench torture --kills 200 --cuts 100 --minutes 15 --lanes 4
        mana-bench torture --minutes 1 --kills-only --seed 7
      """)

  @Option(help: "How long; the round that has begun is finished. With --kills or --cuts: how long they may take.")
  var minutes = 5.0

  @Option(help: "Goes on until so many servers were killed; it is an error when the time is over before.")
  var kills: Int?

  @Option(help: "Likewise, until the power was cut so often.")
  var cuts: Int?

  @Option(help: "How many servers, each with loads of its own, are tortured at a time.")
  var lanes = 1

  @Option(help: "Decides what is done; a lane adds its number, from 0. Default: a random one.")
  var seed: UInt64?

  @Flag(help: "Without system calls that fail, and without power cuts.")
  var killsOnly = false

  @Option(help: ArgumentHelp("Where the temporary directory is made.", valueName: "directory"))
  var directory = "/var/tmp"

  @Flag(help: "Print the totals as one JSON object.")
  var json = false

  func validate() throws {
    guard minutes > 0, minutes <= 100_000 else {
      throw ValidationError("--minutes takes more than 0 and at most 100000, not \(minutes)")
    }
    guard (kills ?? 0) >= 0, (cuts ?? 0) >= 0 else {
      throw ValidationError("--kills and --cuts take a number, 0 or more.")
    }
    guard (1...TortureLimits.lanesMax).contains(lanes) else {
      throw ValidationError("--lanes takes 1 to \(TortureLimits.lanesMax), not \(lanes)")
    }
    guard !killsOnly || (cuts ?? 0) == 0 else { throw ValidationError("--kills-only cuts no power.") }
  }

  func run() throws {
    System.watchInterrupts()
    let seed = seed ?? UInt64(UInt32.random(in: 1...UInt32.max))
    let goal = TortureGoal(seconds: minutes * 60, kills: kills, cuts: cuts)
    do throws(BenchError) {
      let workbench = try Workbench(below: directory)
      defer { workbench.clear() }
      let totals =
        lanes == 1
        ? try torture(workbench, until: goal, seed: seed) : try runLanes(workbench, until: goal, seed: seed)
      System.write((json ? totals.json : totals.text) + "\n", to: 1)
    } catch {
      System.write("mana-bench: \(error)\n", to: 2)
      throw ExitCode(error.exitStatus)
    }
  }

  private func torture(
    _ workbench: Workbench, until goal: TortureGoal, seed: UInt64
  ) throws(BenchError) -> TortureTotals {
    let progress = Progress()
    let traces = killsOnly ? false : mayTrace(workbench)
    if !killsOnly && !traces {
      System.write("strace is not there or may not trace: servers are only killed.\n", to: 2)
    }
    System.write("seed \(seed)\n", to: 2)
    let disk = killsOnly ? nil : poweredDisk(workbench)
    var torturer = Torturer(
      workbench, progress: progress, seed: seed, killsOnly: !traces, disk: disk, evidenceDirectory: directory)
    do throws(BenchError) {
      if disk == nil, let cuts, cuts > 0 {
        throw .missing(program: "a disk whose power can be cut", advice: "--cuts takes root and loop devices.")
      }
      try torturer.run(until: goal)
    } catch {
      leave(disk)
      throw error
    }
    leave(disk)
    progress.end()
    return torturer.totals
  }

  /// Starts a program like this one a lane. What one finds ends all: clearing the workbench interrupts the others.
  private func runLanes(
    _ workbench: Workbench, until goal: TortureGoal, seed: UInt64
  ) throws(BenchError) -> TortureTotals {
    let program = try Program.own("mana-bench")
    var children: [ChildProcess] = []
    for lane in 0..<UInt64(lanes) {
      let arguments =
        ["torture", "--json", "--directory", directory, "--seed", "\(seed &+ lane)"]
        + (killsOnly ? ["--kills-only"] : []) + goal.arguments(ofOneOf: lanes)
      children.append(try workbench.start("mana-bench", at: program, arguments))
    }
    let progress = Progress()
    progress.begin("\(lanes) lanes, seeds \(seed) to \(seed &+ UInt64(lanes - 1))")
    while children.contains(where: { $0.status == nil }) {
      if let failed = children.first(where: { ($0.status ?? 0) != 0 }) {
        throw failed.failure("a lane ended with status \(failed.status ?? 0)")
      }
      if System.interrupted { throw .interrupted }
      progress.show()
      System.sleep(nanoseconds: BenchLimits.lookNanoseconds)
    }
    progress.end()
    // What the machine lacks, one lane says for all.
    let notes = (children.first?.errors ?? "").split(separator: "\n").filter {
      !$0.hasPrefix("round ") && !$0.hasPrefix("seed ")
    }
    for note in notes { System.write(note + "\n", to: 2) }
    var totals = TortureTotals()
    for child in children { totals.add(try TortureTotals(json: try child.finish(atMostSeconds: 1))) }
    return totals
  }

  private func poweredDisk(_ workbench: Workbench) -> PoweredDisk? {
    do throws(BenchError) {
      return try PoweredDisk(workbench)
    } catch {
      System.write("No power is cut: there is no ext4 on a loop device to be had (\(error)).\n", to: 2)
      return nil
    }
  }

  private func leave(_ disk: PoweredDisk?) {
    do throws(BenchError) {
      try disk?.close()
    } catch {
      System.write("mana-bench: a file system is left mounted: \(error)\n", to: 2)
    }
  }

  /// Containers may forbid it although the program is there.
  private func mayTrace(_ workbench: Workbench) -> Bool {
    guard let strace = Program.find("strace"), let program = Program.find("true") else { return false }
    do throws(BenchError) {
      try workbench.run("strace", at: strace, ["-f", "-qq", "-o", "/dev/null", program])
      return true
    } catch {
      return false
    }
  }
}
