/// `mana-server` on a socket that stays the same from one start to the next; whether and how it ends is for the torturer
/// to see.
final class TorturedServer {
  private let process: ChildProcess
  let fault: SystemCallFault?
  private let trace: String?

  /// Where the directory is, and the socket.
  struct Place {
    var directory: String
    var socket: String
    var shards: Int
    /// Makes checkpoints every few megabytes, and begins with them.
    var hasCheckpoints: Bool
    /// What the directory is on, where its power can be cut.
    var disk: PoweredDisk?
  }

  /// Starts a server and does not wait for it. `fault` happens from some call of a thread on.
  init(_ workbench: Workbench, _ place: Place, fault: (SystemCallFault, number: Int)? = nil) throws(BenchError) {
    let server = try Program.own("mana-server")
    let arguments = [
      "--data-directory", place.directory, "--listen", "unix:\(place.socket)", "--shards", "\(place.shards)",
      "--segment-bytes", "\(TortureLimits.segmentBytes)", "--checkpoint-bytes",
      "\(place.hasCheckpoints ? TortureLimits.segmentBytes : 0)",
    ]
    self.fault = fault?.0
    guard let (fault, number) = fault else {
      trace = nil
      process = try workbench.start("mana-server", at: server, arguments)
      return
    }
    let trace = workbench.path("trace")
    guard let strace = Program.find("strace") else {
      throw .missing(program: "strace", advice: "Install it: apt-get install strace")
    }
    self.trace = trace
    process = try workbench.start(
      "strace", at: strace, fault.arguments(number: number, trace: trace) + [server] + arguments)
  }

  /// Whether it accepts connections.
  var isReady: Bool { process.output.hasSuffix("\n") }
  /// Nil while it runs.
  var status: Int32? { process.status }
  var hasFault: Bool { fault != nil }

  /// How often the fault of a server that has ended happened. Removes the trace, since traces grow with every call.
  func takeFaultCount() -> Int {
    guard let trace else { return 0 }
    let end = System.now() + UInt64(TortureLimits.traceSeconds * 1e9)
    // The tracer sees the end a moment after the parent does.
    let last = "\(process.processIdentifier) +++ "
    var text = System.text(of: trace) ?? ""
    while !text.split(separator: "\n").contains(where: { $0.hasPrefix(last) }), System.now() < end {
      System.sleep(nanoseconds: TortureLimits.lookNanoseconds)
      text = System.text(of: trace) ?? ""
    }
    System.removeFile(trace)
    return SystemCallFault.count(inTrace: text)
  }

  func waitUntilReady() throws(BenchError) {
    try process.wait(for: "it was ready", atMostSeconds: BenchLimits.readySeconds) { isReady }
  }

  /// Ends it at once, as a crash would; its tracer writes down the end, and then ends too.
  func crash() { process.kill(alone: true) }

  /// Ends it and its tracer.
  func kill() { process.kill() }

  /// Ends it in an orderly manner.
  func stop() throws(BenchError) {
    guard process.end() == 0 else { throw process.failure("mana-server did not end in an orderly manner") }
  }

  func failure(_ what: String) -> BenchError { process.failure(what) }
}
