import ManaClient
import ManaProtocol

/// Sends requests over sockets of its own and reads the replies, all on the calling thread.
///
/// In the steady state it allocates nothing: frames are encoded where they are sent from, replies are read where they
/// arrive.
final class RawDriver {
  private let address: ServerAddress
  private let credential: ManaClient.Credential?
  private let inFlight: Int
  private let bodyBytesMax: Int
  private var connections: [RawConnection] = []
  private var polled: PollSet
  /// Connections that were cut and made anew.
  private(set) var reconnections = 0

  /// Connects `connections` times, each with room for `inFlight` requests of at most `bodyBytesMax` bytes.
  ///
  /// Throws `usage` when the server's limits do not allow that much in flight.
  init(
    to address: ServerAddress, as credential: ManaClient.Credential?, connections count: Int, inFlight: Int,
    bodyBytesMax: Int
  ) throws(LoadError) {
    self.address = address
    self.credential = credential
    self.inFlight = inFlight
    self.bodyBytesMax = bodyBytesMax
    polled = PollSet(capacity: count)
    for _ in 0..<count {
      let connection = try RawConnection(to: address, as: credential, slotCount: inFlight, bodyBytesMax: bodyBytesMax)
      try Self.check(connection.welcome, inFlight: inFlight, bodyBytesMax: bodyBytesMax)
      connections.append(connection)
    }
  }

  /// What the server said about itself.
  var welcome: Welcome { connections[0].welcome }

  /// Throws `usage` when requests of that size and number are more than the server takes.
  static func check(_ welcome: Welcome, inFlight: Int, bodyBytesMax: Int) throws(LoadError) {
    let frameBytes = FrameHeader.bytes + bodyBytesMax
    guard frameBytes <= welcome.frameBytesMax else {
      throw .usage(
        "A request of \(frameBytes) bytes is more than the server's \(welcome.frameBytesMax): lower --batch.")
    }
    let most = min(welcome.requestsInFlightMax, welcome.bytesInFlightMax / frameBytes)
    guard inFlight <= most else {
      throw .usage(
        "--in-flight \(inFlight) is more than the server allows: requests of \(frameBytes) bytes can have "
          + "\(most) in flight on a connection. Lower --in-flight, or raise --connections.")
    }
  }

  /// Asks what `source` asks until it has nothing further or the pacing's deadline passes, and waits for every reply.
  ///
  /// Returns how many requests of an open loop were due but could not be sent before the deadline.
  @discardableResult
  func run(_ source: inout some RequestSource, pacing: Pacing = .closed) throws(LoadError) -> UInt64 {
    var schedule = Schedule(pacing, startNanoseconds: System.now())
    var lastProgress = System.now()
    var ended = false
    while true {
      let now = System.now()
      source.turn(nowNanoseconds: now)
      if !ended { ended = try fill(from: &source, &schedule) }
      for index in connections.indices where connections[index].hasOutput { try flush(index, &source) }
      let inFlight = connections.reduce(0) { $0 + $1.inFlight }
      if inFlight == 0 {
        if ended { return schedule.overdue(at: now) }
        lastProgress = now
      }
      guard now < lastProgress + LoadLimits.stallNanoseconds else {
        throw .unreachable("\(inFlight) requests are in flight and \(address) has answered none of them for 30 s.")
      }
      try wait(forAtMost: ended ? Self.longestWait : pause(schedule))
      for index in connections.indices where polled.hasInput(index) {
        if try receive(index, &source) { lastProgress = System.now() }
      }
    }
  }

  /// Longest wait, in nanoseconds, so that progress is shown although nothing arrives.
  private static let longestWait: UInt64 = 100_000_000

  /// How long nothing needs to be sent.
  private func pause(_ schedule: Schedule) -> UInt64 {
    guard connections.contains(where: \.hasRoom) else { return Self.longestWait }
    let now = System.now()
    switch schedule.next(at: now) {
    case .send, .end: return 0
    case .wait(let moment):
      return moment - now <= LoadLimits.spinNanoseconds ? 0 : min(moment - now, Self.longestWait)
    }
  }

  private func wait(forAtMost nanoseconds: UInt64) throws(LoadError) {
    for (index, connection) in connections.enumerated() {
      polled.watch(index, connection.socket, output: connection.hasOutput)
    }
    do throws(SystemError) {
      try polled.wait(count: connections.count, nanoseconds: nanoseconds)
    } catch {
      throw .unreachable("The sockets cannot be waited for: \(error).")
    }
  }

  /// Queues what is due and has room, one request a connection in turn. Whether there is nothing further.
  private func fill(
    from source: inout some RequestSource, _ schedule: inout Schedule
  ) throws(LoadError) -> Bool {
    var queued = true
    while queued {
      queued = false
      for index in connections.indices where connections[index].hasRoom {
        let intended: UInt64?
        switch schedule.next(at: System.now()) {
        case .end: return true
        case .wait: return false
        case .send(let moment): intended = moment
        }
        guard connections[index].enqueue(from: &source, intended: intended) else { return true }
        schedule.advance()
        queued = true
        if connections[index].sendsEarly { try flush(index, &source) }
      }
    }
    return false
  }

  private func flush(_ index: Int, _ source: inout some RequestSource) throws(LoadError) {
    do throws(SystemError) {
      try connections[index].flush()
    } catch {
      // What the server answered before it went is still to be read.
      let broken = connections[index]
      _ = try receive(index, &source)
      if connections[index] === broken { try replace(index, &source, reason: "\(error)") }
    }
  }

  /// Reads what is there. Whether a reply was among it.
  private func receive(_ index: Int, _ source: inout some RequestSource) throws(LoadError) -> Bool {
    let connection = connections[index]
    var answered = false
    while true {
      switch connection.receive() {
      case .nothing: return answered
      case .bytes: answered = try connection.parse(&source) || answered
      case .end(let reason):
        try replace(index, &source, reason: reason)
        return answered
      }
    }
  }

  /// Gives the requests of a cut connection to the source and connects again, for as long as a server may need to start.
  private func replace(_ index: Int, _ source: inout some RequestSource, reason: String) throws(LoadError) {
    try connections[index].abandon(to: &source, reason: reason)
    let end = System.now() + LoadLimits.reconnectNanoseconds
    while true {
      do throws(LoadError) {
        connections[index] = try RawConnection(
          to: address, as: credential, slotCount: inFlight, bodyBytesMax: bodyBytesMax)
        reconnections += 1
        return
      } catch {
        guard System.now() < end else {
          throw .unreachable("The connection was cut (\(reason)) and could not be made again: \(error)")
        }
      }
      source.turn(nowNanoseconds: System.now())
      System.sleep(nanoseconds: LoadLimits.reconnectPauseNanoseconds)
    }
  }
}
