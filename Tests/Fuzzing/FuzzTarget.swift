import Glibc

/// What the program feeds: the environment variable `MANA_FUZZ` names one. Each must take any bytes without a trap, a
/// read past the end or a broken promise of its own.
enum FuzzTarget: String {
  /// Frames that a server receives once the handshake is done.
  case requests
  /// Frames that a client receives.
  case replies
  /// The first frame of either side.
  case handshake
  /// A segment of a journal, through a whole recovery, twice.
  case journal
  /// Records of a ledger, changed, through their execution.
  case records
  /// A checkpoint, through everything that a start does with it.
  case checkpoint
  /// The file that says which ledger a directory is.
  case identity
  /// A bug on purpose, so that a build whose guidance by coverage does not work is noticed: nobody guesses six bytes.
  case canary

  static let current: FuzzTarget = {
    let name = getenv("MANA_FUZZ").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      fatalError(
        "MANA_FUZZ names what to feed: requests, replies, handshake, journal, records, checkpoint, identity or canary")
    }
    return target
  }()

  func feed(_ input: UnsafeRawBufferPointer) {
    switch self {
    case .requests: FrameFuzzing.request(input)
    case .replies: FrameFuzzing.reply(input)
    case .handshake: FrameFuzzing.handshake(input)
    case .journal: JournalFuzzing.segment(input)
    case .records: LedgerFuzzing.records(input)
    case .checkpoint: LedgerFuzzing.checkpoint(input)
    case .identity: JournalFuzzing.identity(input)
    case .canary: Self.canary(input)
    }
  }

  /// One comparison after another: each is an edge of its own, and brings the input that passes it into the corpus. A
  /// loop would be one edge, however far it gets.
  private static func canary(_ input: UnsafeRawBufferPointer) {
    guard input.count >= 6 else { return }
    guard input[0] == UInt8(ascii: "m") else { return }
    reached(1)
    guard input[1] == UInt8(ascii: "a") else { return }
    reached(2)
    guard input[2] == UInt8(ascii: "n") else { return }
    reached(3)
    guard input[3] == UInt8(ascii: "b") else { return }
    reached(4)
    guard input[4] == UInt8(ascii: "u") else { return }
    reached(5)
    guard input[5] == UInt8(ascii: "g") else { return }
    fatalError("the planted bug")
  }

  /// Keeps the optimizer from making one comparison of six.
  @inline(never)
  @_optimize(none)
  private static func reached(_ step: Int) {}
}

/// What libFuzzer's main function calls for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.current.feed(UnsafeRawBufferPointer(start: bytes, count: count))
  return 0
}
