import Glibc

/// What the chain of an audit log and the files before it says.
public struct AuditVerification: Sendable {
  /// A place where the chain is broken.
  public struct Fault: Sendable {
    public let file: String
    /// From 1.
    public let line: Int
    public let problem: String
  }

  /// The files that were read, oldest first.
  public private(set) var files: [String] = []
  public private(set) var firstSequence: UInt64 = 0
  public var lastSequence: UInt64 { chain.sequence }
  /// The hash of the last line. Kept elsewhere, it later tells that nothing was cut off the end.
  public var lastHash: String { chain.last }
  /// Whether the hash that was looked for is there; nil when none was.
  public private(set) var hasExpected: Bool?
  /// The first place where the chain is broken; nothing behind it was read.
  public private(set) var fault: Fault?
  /// The last line has no end: a crash, or a server that is writing it.
  public private(set) var endsTorn = false

  public var isSound: Bool { fault == nil && hasExpected != false }

  private var chain = AuditChain()

  /// Reads `path` and, before it, `path.1`, `path.2`, … as far as they are there. Linear in their length.
  ///
  /// - Parameter expected: The hash of a line that must be there.
  public init(of path: String, expecting expected: String? = nil) throws(AuditError) {
    if let expected { hasExpected = expected == chain.last }
    var number = 0
    var paths = [path]
    while access("\(path).\(number + 1)", F_OK) == 0 {
      number += 1
      paths.insert("\(path).\(number)", at: 0)
    }
    for path in paths where fault == nil { try read(path, expected: expected, isLast: path == paths.last) }
  }

  private mutating func read(_ path: String, expected: String?, isLast: Bool) throws(AuditError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .file(path: path, problem: "cannot open it: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    files.append(path)
    var line: [UInt8] = []
    var number = 0
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .file(path: path, problem: "cannot read it: \(String(cString: strerror(errno)))") }
      guard count > 0 else { break }
      var rest = chunk[..<count]
      while let end = rest.firstIndex(of: 0x0A) {
        line += rest[..<end]
        number += 1
        guard take(line, path, number, expected) else { return }
        line.removeAll(keepingCapacity: true)
        rest = rest[(end + 1)...]
      }
      line += rest
      guard line.count <= 1 << 20 else {
        fault = Fault(file: path, line: number + 1, problem: "it is longer than any line of an audit log")
        return
      }
    }
    guard !line.isEmpty else { return }
    if isLast {
      endsTorn = true
    } else {
      fault = Fault(file: path, line: number + 1, problem: "it has no end, and other files follow")
    }
  }

  private mutating func take(_ line: [UInt8], _ path: String, _ number: Int, _ expected: String?) -> Bool {
    if firstSequence == 0, let start = AuditChain(before: line) {
      // What was before the oldest file is gone; a chain that begins with its first line begins with zeros.
      if start.sequence > 0 { chain = start }
      firstSequence = start.sequence + 1
    }
    do throws(AuditError) {
      try chain.take(line)
    } catch {
      fault = Fault(file: path, line: number, problem: error.description)
      return false
    }
    if let expected, chain.last == expected { hasExpected = true }
    return true
  }
}
