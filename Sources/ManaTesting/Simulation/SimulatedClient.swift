import ManaProtocol

/// A client in the simulation: it connects, has several requests in flight, and asks again, with the same ids, about
/// each whose fate it does not know.
package final class SimulatedClient {
  private enum Stage {
    case disconnected
    case greeting
    case ready
  }

  package let number: Int
  private var random: SplitMix64
  package private(set) var link: SimulatedLink?
  private var stage = Stage.disconnected
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var inFlight: [UInt64: SimulatedRequest] = [:]
  private var lastCorrelation: UInt64 = 0
  /// To be sent, or sent again.
  package private(set) var waiting: [SimulatedRequest] = []
  /// It reads nothing before this step.
  package var readsAgainAt = 0
  private var lastProgress = 0
  private var serverEnds = false
  package private(set) var counts = FaultCounts()
  /// Over everything that came, but for figures of the server's own machine.
  package private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
  /// Told of each final answer.
  package var onAnswer: ((SimulatedRequest) -> Void)?

  package init(number: Int, seed: UInt64) {
    self.number = number
    random = SplitMix64(seed: seed)
  }

  package var isConnected: Bool { link != nil }
  package var isReady: Bool { stage == .ready }
  package var load: Int { waiting.count + inFlight.count }
  package var isIdle: Bool { load == 0 }

  package func take(_ request: SimulatedRequest) { waiting.append(request) }

  /// Sends a request once more, whatever was answered.
  package func askAgain(_ request: SimulatedRequest) {
    request.isAnswered = false
    take(request)
  }

  package func connect(_ link: SimulatedLink, at step: Int) {
    self.link = link
    stage = .greeting
    input = []
    lastProgress = step
    serverEnds = false
    output = FrameHeader.preface
    let hello = Hello(instance: UInt128(random.next() | 1), clientName: "client \(number)")
    append(FrameHeader(opcode: Opcode.hello.rawValue, correlation: 0), hello.encoded)
  }

  /// Takes what has arrived, and sends what can be sent.
  package func act(at step: Int, requestsMax: Int) {
    guard let link else { return }
    if link.isCut { return disconnected() }
    if step >= readsAgainAt { read(link, at: step) }
    guard self.link != nil else { return }
    if stage == .ready, !serverEnds {
      while !waiting.isEmpty, inFlight.count < requestsMax, output.count < 64 << 10 { send(at: step) }
    }
    write(link)
    // Nothing has come for very long: the server may have turned the connection away without a word.
    if step > lastProgress + 4_000 { hangUp() }
  }

  /// Ends the connection without waiting for anything.
  package func hangUp() {
    link?.isClientGone = true
    link?.toServer.end()
    disconnected()
  }

  /// Sends no more on this connection, but still reads.
  package func finishSending() {
    guard output.isEmpty, stage == .ready else { return }
    link?.toServer.end()
    serverEnds = true
  }

  private func disconnected() {
    link = nil
    stage = .disconnected
    output = []
    for key in inFlight.keys.sorted() {
      let request = inFlight[key]!
      // A second copy may have done what the first could not. What leaves no trace in a history has to be asked for.
      if !request.mayBeGivenUp { request.isAnswered = false }
      if request.isDone { continue }
      if request.mayBeGivenUp, random.chance(1, in: 12) {
        request.isGivenUp = true
        counts[.requestGivenUp] += 1
      } else if !waiting.contains(where: { $0 === request }) {
        waiting.append(request)
      }
    }
    inFlight = [:]
  }

  // MARK: Sending

  private func send(at step: Int) {
    let request = waiting.removeFirst()
    if request.isDone { return }
    if request.attempts > 0 { counts[.retryAfterCut] += 1 }
    transmit(request, at: step)
    // An impatient caller asks twice.
    if random.chance(1, in: 40) {
      counts[.retryWhileInFlight] += 1
      transmit(request, at: step)
    }
  }

  private func transmit(_ request: SimulatedRequest, at step: Int) {
    lastCorrelation += 1
    request.attempts += 1
    if request.firstSent == nil { request.firstSent = step }
    inFlight[lastCorrelation] = request
    let deadline = random.chance(1, in: 15) ? UInt32.random(in: 1...3_000, using: &random) : 0
    append(
      FrameHeader(opcode: request.opcode.rawValue, correlation: lastCorrelation, microseconds: deadline),
      request.body)
  }

  private func append(_ header: FrameHeader, _ body: [UInt8]) {
    var frame = [UInt8](repeating: 0, count: FrameHeader.bytes) + body
    frame.withUnsafeMutableBytes { FrameHeader.seal($0.baseAddress!, header, bodyBytes: body.count) }
    output += frame
  }

  private func write(_ link: SimulatedLink) {
    guard !output.isEmpty else { return }
    let sent = output.withUnsafeBytes { link.toServer.send($0) }
    output.removeFirst(sent)
  }

  // MARK: Receiving

  private func read(_ link: SimulatedLink, at step: Int) {
    if link.toClient.arrived > 0 {
      input += link.toClient.takeAll()
      lastProgress = step
      takeFrames(at: step)
    }
    if self.link != nil, link.toClient.endArrived, link.toClient.arrived == 0 { hangUp() }
  }

  private func takeFrames(at step: Int) {
    var offset = 0
    let bytes = input
    bytes.withUnsafeBytes { buffer in
      if stage == .greeting {
        guard buffer.count >= FrameHeader.preface.count else { return }
        guard buffer.prefix(FrameHeader.preface.count).elementsEqual(FrameHeader.preface) else { return hangUp() }
        offset = FrameHeader.preface.count
      }
      while link != nil, buffer.count - offset >= FrameHeader.bytes {
        let base = buffer.baseAddress! + offset
        // Bytes that are not what was sent: nothing behind them can be believed.
        guard let header = try? FrameHeader(reading: base) else { return hangUp() }
        guard buffer.count - offset >= header.length else {
          // A greeting is taken whole or not at all.
          if stage == .greeting { offset = 0 }
          return
        }
        guard let body = try? header.body(at: base) else { return hangUp() }
        offset += header.length
        receive(header, [UInt8](body), at: step)
      }
      if stage == .greeting, link != nil { offset = 0 }
    }
    guard link != nil else { return }
    input.removeFirst(offset)
  }

  private func receive(_ header: FrameHeader, _ body: [UInt8], at step: Int) {
    if header.opcode == Opcode.welcome.rawValue {
      stage = .ready
      return
    }
    if header.opcode == Opcode.goAway.rawValue {
      // Replies to what was sent may still come; the server closes when it is done.
      serverEnds = true
      if stage == .greeting { hangUp() }
      return
    }
    guard let request = inFlight.removeValue(forKey: header.correlation) else { return }
    request.replies += 1
    note(header, body)
    let status = Status(rawValue: header.status) ?? .ok
    let isFinal =
      switch status {
      case .diskFull, .diskUnreadable, .shuttingDown, .overloaded, .bodyChecksumMismatch, .deadlineExceeded: false
      default: true
      }
    if isFinal {
      let answer = SimulatedRequest.Answer(
        invoked: request.firstSent!, answered: step, status: status, body: body)
      request.answers.append(answer)
      request.isAnswered = request.isAnswered || !Self.asksForMore(answer, to: request)
      onAnswer?(request)
    }
    if !request.isDone, !waiting.contains(where: { $0 === request }) { waiting.append(request) }
  }

  /// Whether a part of a batch has to be sent again.
  private static func asksForMore(_ answer: SimulatedRequest.Answer, to request: SimulatedRequest) -> Bool {
    guard request.opcode.isPosting, let results = SimulatedRequest.results(in: answer) else { return false }
    return results.contains { $0.status.isRetryable }
  }

  private func note(_ header: FrameHeader, _ body: [UInt8]) {
    mix(UInt64(header.opcode) << 32 | UInt64(header.status) << 8 | UInt64(header.flags.rawValue))
    guard header.opcode != Opcode.serverStatus.rawValue | Opcode.replyBit else { return }
    for byte in body { mix(UInt64(byte)) }
  }

  private func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }
}
