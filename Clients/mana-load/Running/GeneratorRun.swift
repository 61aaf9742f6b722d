import ManaProtocol

/// The generator alone: frames are encoded, sealed and thrown away, to show that it is not what a run measures.
struct GeneratorRun {
  let settings: LoadSettings

  /// What came of it.
  struct Outcome: Equatable, Sendable {
    var transactions: UInt64
    var frames: UInt64
    var bytes: UInt64
    var seconds: Double

    var transactionsPerSecond: Double { seconds > 0 ? Double(transactions) / seconds : 0 }
  }

  func run() -> Outcome {
    let limit: UInt64? = if case .transactions(let count) = settings.length { count } else { nil }
    let start = System.now()
    var deadline: UInt64?
    if case .seconds(let seconds) = settings.length { deadline = start + UInt64(seconds * 1e9) }
    var source = TrafficSource(
      settings,
      generator: ItemGenerator(
        accounts: settings.accounts, distribution: settings.distribution, seed: settings.seed),
      book: nil, limit: limit, phase: "discarded", progress: ProgressLine(isSilent: true), startNanoseconds: start)
    // As many buffers as there would be requests in flight, so that the processor's caches see the same memory.
    let stride = FrameHeader.bytes + paddedToWords(source.bodyBytesMax)
    let buffers = UnsafeMutableRawPointer.allocate(byteCount: stride * settings.inFlight, alignment: 64)
    defer { buffers.deallocate() }
    var outcome = Outcome(transactions: 0, frames: 0, bytes: 0, seconds: 0)
    var now = start
    while deadline.map({ now < $0 }) ?? true {
      let frame = buffers + Int(outcome.frames % UInt64(settings.inFlight)) * stride
      guard let (opcode, bodyBytes) = source.encodeNext(into: frame + FrameHeader.bytes) else { break }
      outcome.frames += 1
      FrameHeader.seal(
        frame, FrameHeader(opcode: opcode.rawValue, correlation: outcome.frames), bodyBytes: bodyBytes)
      outcome.bytes += UInt64(FrameHeader.bytes + bodyBytes)
      if opcode.isPosting { outcome.transactions += UInt64((bodyBytes - BatchView.preludeBytes) / Item.bytes) }
      now = System.now()
    }
    outcome.seconds = Double(System.now() - start) / 1e9
    return outcome
  }
}
