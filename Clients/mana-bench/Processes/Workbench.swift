/// A temporary directory and the programs that were started in it. `clear` ends them all and removes it.
final class Workbench {
  let directory: String
  private var children: [ChildProcess] = []
  private var count = 0

  init(below parent: String) throws(BenchError) {
    directory = try System.makeTemporaryDirectory(below: parent)
    // What runs as another user has to reach its own directory in here.
    System.letPass(directory)
  }

  /// Starts a program; `name` is what it is told its own name is.
  func start(
    _ name: String, at program: String, _ arguments: [String], input: String = "/dev/null"
  ) throws(BenchError) -> ChildProcess {
    count += 1
    let child = try ChildProcess(
      name, program: program, arguments: arguments, input: input, in: directory, number: count)
    children.append(child)
    return child
  }

  /// Runs a program to its end and returns what it printed.
  @discardableResult
  func run(
    _ name: String, at program: String, _ arguments: [String], input: String = "/dev/null",
    atMostSeconds seconds: Double = 60, whileWaiting: () -> Void = {}
  ) throws(BenchError) -> String {
    let child = try start(name, at: program, arguments, input: input)
    defer { child.kill() }
    return try child.finish(atMostSeconds: seconds, whileWaiting: whileWaiting)
  }

  /// A path in the directory that nothing has yet.
  func path(_ name: String) -> String {
    count += 1
    return "\(directory)/\(count)-\(name)"
  }

  /// Ends what still runs, the youngest first, and removes the directory.
  func clear() {
    for child in children.reversed() { child.end() }
    children = []
    System.removeTree(directory)
  }
}

/// Where programs are.
enum Program {
  /// One of ours, beside the running program.
  static func own(_ name: String) throws(BenchError) -> String {
    let path = System.programFolder() + "/" + name
    guard System.isExecutable(path) else {
      throw .missing(program: path, advice: "Build it first: swift build --configuration release --product \(name)")
    }
    return path
  }

  /// A program of the system, on PATH or in one of `folders`; nil when there is none.
  static func find(_ name: String, folders: [String] = []) -> String? {
    let path = System.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
    let all = folders + path.split(separator: ":").map(String.init)
    return all.map { $0 + "/" + name }.first { System.isExecutable($0) }
  }
}
