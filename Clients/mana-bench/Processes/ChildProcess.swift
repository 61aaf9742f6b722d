import Glibc

/// A program that this one has started, with its output in files of the workbench.
final class ChildProcess {
  /// What messages call it.
  let name: String
  let processIdentifier: Int32
  private let outputPath: String
  private let errorsPath: String
  private var endStatus: Int32?

  /// Starts `program`; its first argument is its own name.
  init(
    _ name: String, program: String, arguments: [String], input: String = "/dev/null", in folder: String, number: Int
  ) throws(BenchError) {
    self.name = name
    outputPath = "\(folder)/\(number).output"
    errorsPath = "\(folder)/\(number).errors"
    processIdentifier = try System.spawn(
      [name] + arguments, program: program, input: input, output: outputPath, errors: errorsPath)
  }

  var output: String { System.text(of: outputPath) ?? "" }
  var errors: String { System.text(of: errorsPath) ?? "" }

  /// Nil while it runs.
  var status: Int32? {
    if endStatus == nil { endStatus = System.status(of: processIdentifier) }
    return endStatus
  }

  /// Waits until `condition`; looks again and again. Throws when the program ends before, or the time is over.
  func wait(
    for what: String, atMostSeconds seconds: Double, _ condition: () -> Bool
  ) throws(BenchError) {
    let end = System.now() + UInt64(seconds * 1e9)
    while !condition() {
      if System.interrupted { throw .interrupted }
      if status != nil, !condition() { throw failure("\(name) ended before \(what)") }
      guard System.now() < end else { throw failure("\(name): \(what) took longer than \(Int(seconds)) s") }
      System.sleep(nanoseconds: BenchLimits.lookNanoseconds)
    }
  }

  /// Waits for the end and returns what was printed. Throws when it ends with an error, or not in time.
  func finish(atMostSeconds seconds: Double, whileWaiting: () -> Void = {}) throws(BenchError) -> String {
    let end = System.now() + UInt64(seconds * 1e9)
    while status == nil {
      if System.interrupted { throw .interrupted }
      guard System.now() < end else { throw failure("\(name) took longer than \(Int(seconds)) s") }
      System.sleep(nanoseconds: BenchLimits.lookNanoseconds)
      whileWaiting()
    }
    guard let status, status == 0 else { throw failure("\(name) ended with status \(status ?? 0)") }
    return output
  }

  /// Asks it to end, and kills it when it does not. Returns its exit status.
  @discardableResult
  func end(with signal: Int32 = SIGTERM) -> Int32 {
    if status == nil { System.signal(signal, to: processIdentifier) }
    let end = System.now() + UInt64(BenchLimits.endSeconds * 1e9)
    while status == nil, System.now() < end { System.sleep(nanoseconds: BenchLimits.lookNanoseconds) }
    if status == nil { kill() }
    return status ?? 0
  }

  /// Ends it at once, and what it has started too, unless `alone`.
  func kill(alone: Bool = false) {
    guard status == nil else { return }
    System.signal(SIGKILL, to: processIdentifier, wholeGroup: !alone)
    while status == nil { System.sleep(nanoseconds: BenchLimits.lookNanoseconds) }
  }

  /// A failure that quotes the end of what the program said.
  func failure(_ what: String) -> BenchError {
    let said = (errors.isEmpty ? output : errors).utf8.suffix(BenchLimits.quotedBytes)
    return .failed(what: what, output: String(decoding: said, as: UTF8.self))
  }
}
