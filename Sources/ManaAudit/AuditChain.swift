import ManaAccess

/// Where the chain of an audit log stands: each line holds the SHA-256 of the line before it, so that none can be changed,
/// taken out or put in without all later ones.
struct AuditChain: Sendable, Equatable {
  /// The hash of the last line, in hexadecimal; zeros before the first.
  private(set) var last = String(repeating: "0", count: 64)
  /// The number of the last line; the first is 1.
  private(set) var sequence: UInt64 = 0

  /// The next line's bytes, with its end.
  mutating func append(_ entry: AuditEntry) -> [UInt8] {
    let line = Array(entry.line(previous: last, sequence: sequence + 1).utf8)
    advance(over: line)
    return line + [0x0A]
  }

  /// Takes a line that is there already, without its end. Throws, in words, when it does not continue the chain.
  mutating func take(_ line: [UInt8]) throws(AuditError) {
    guard let link = Link(line) else { throw .line("it is no line of an audit log") }
    guard link.sequence == sequence + 1 else {
      throw .line("it has the number \(link.sequence) instead of \(sequence + 1)")
    }
    guard link.previous == last else { throw .line("the line before it is not the one that it was written after") }
    advance(over: line)
  }

  /// Begins before a line whose predecessors are not there any more. Nil when it is no line of an audit log.
  init?(before line: [UInt8]) {
    guard let link = Link(line), link.sequence > 0 else { return nil }
    last = link.previous
    sequence = link.sequence - 1
  }

  /// Begins behind a line, whose hash is taken as it is.
  init?(after line: [UInt8]) {
    guard let link = Link(line) else { return nil }
    sequence = link.sequence - 1
    advance(over: line)
  }

  init() {}

  private mutating func advance(over line: [UInt8]) {
    last = SHA256Digest(of: line).hexadecimal
    sequence += 1
  }

  /// What a line says of its place.
  private struct Link {
    let previous: String
    let sequence: UInt64

    private static let opening = Array(#"{"previous":""#.utf8)
    private static let middle = Array(#"","sequence":"#.utf8)

    init?(_ line: [UInt8]) {
      let hash = line.dropFirst(Self.opening.count).prefix(64)
      let rest = line.dropFirst(Self.opening.count + 64)
      let digits = rest.dropFirst(Self.middle.count).prefix { (0x30...0x39).contains($0) }
      guard line.starts(with: Self.opening), rest.starts(with: Self.middle), line.last == UInt8(ascii: "}"),
        SHA256Digest(hexadecimal: String(decoding: hash, as: UTF8.self)) != nil,
        let sequence = UInt64(String(decoding: digits, as: UTF8.self)), sequence > 0
      else { return nil }
      previous = String(decoding: hash, as: UTF8.self)
      self.sequence = sequence
    }
  }
}

/// Why an audit log cannot be written, or is not what was written.
public enum AuditError: Error, Sendable, CustomStringConvertible {
  /// What is wrong with a line.
  case line(String)
  case file(path: String, problem: String)

  public var description: String {
    switch self {
    case .line(let problem): problem
    case .file(let path, let problem): "\(path): \(problem)"
    }
  }
}
