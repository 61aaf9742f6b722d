import ManaEventLoop
import Synchronization
import Testing

/// A loop on a thread of its own, with a delegate made of closures, and what it has reported.
final class LoopRig: Sendable {
  /// What the delegate does; each closure runs on the loop's thread.
  struct Behaviour: Sendable {
    var accepted: @Sendable (Connection, EventLoop) -> Void = { _, _ in }
    var received: @Sendable (Connection, EventLoop) -> Void = { _, _ in }
    var drained: @Sendable (Connection, EventLoop) -> Void = { _, _ in }
    var closed: @Sendable (Connection, EventLoop) -> Void = { _, _ in }
    /// Called in the turn, for each connection that has received since the last.
    var serve: @Sendable (Connection, EventLoop) -> Void = { _, _ in }
  }

  struct Report: Sendable {
    var accepted: [UInt64] = []
    var received = 0
    var drained = 0
    var closed: [UInt64: [CloseReason]] = [:]
    var reasons: [CloseReason] = []
    var turns = 0
    var peers: [String] = []
    var threads: Set<UInt> = []
  }

  let report = Mutex(Report())
  let waker: Waker
  let inlet: Inlet
  private let jobs: Mailbox<Job>
  /// Nil once joined.
  private let thread = Mutex<LoopThread?>(nil)

  struct Job: Sendable {
    let work: @Sendable (EventLoop, Desk) -> Void
    let done: Latch
  }

  init(_ behaviour: Behaviour = Behaviour(), options: EventLoop.Options = EventLoop.Options()) throws {
    let loop = try EventLoop(options: options)
    waker = loop.waker
    inlet = loop.inlet
    jobs = Mailbox(waker: loop.waker)
    let desk = Desk(loop: loop, rig: self, jobs: jobs, behaviour: behaviour)
    let parcel = Parcel(desk)
    let started = try LoopThread(name: "loop") {
      let desk = parcel.open()
      desk.loop.run(delegate: desk)
    }
    thread.withLock { $0 = started }
  }

  /// Does something on the loop's thread, in a turn, and waits for it.
  func perform(_ work: @escaping @Sendable (EventLoop, Desk) -> Void) {
    let done = Latch()
    guard jobs.send(Job(work: work, done: done)) else { return }
    done.wait()
  }

  /// The result of something done on the loop's thread.
  func ask<Answer: Sendable>(_ question: @escaping @Sendable (EventLoop, Desk) -> Answer) -> Answer {
    let answer = Mutex<Answer?>(nil)
    perform { loop, desk in
      let given = question(loop, desk)
      answer.withLock { $0 = given }
    }
    return answer.withLock { $0! }
  }

  func listen(
    _ address: ListenAddress = .tcp(host: "127.0.0.1", port: 0), dealingTo inlets: [Inlet] = []
  ) throws -> ListenAddress {
    let result = ask { loop, _ in
      Result { () throws(EventLoopError) in try loop.listen(on: address, dealingTo: inlets) }
    }
    return try result.get()
  }

  /// Stops the loop and waits until it has closed everything; at once if that has been done.
  func stop() {
    if thread.withLock({ $0 == nil }) { return }
    perform { loop, _ in loop.stop() }
    join()
  }

  func join() {
    let running = thread.withLock { slot in
      defer { slot = nil }
      return slot
    }
    running?.join()
  }

  /// Waits until the loop has reported something; fails the test if it does not.
  func wait(
    _ what: Comment, location: SourceLocation = #_sourceLocation, until condition: (Report) -> Bool
  ) throws {
    try waitFor(what, location: location) { report.withLock { condition($0) } }
  }
}

/// The delegate, on the loop's thread.
final class Desk: EventLoopDelegate {
  let loop: EventLoop
  let rig: LoopRig
  let jobs: Mailbox<LoopRig.Job>
  let behaviour: LoopRig.Behaviour
  /// Connections that are open, by id.
  var connections: [UInt64: Connection] = [:]
  private var noted: [Connection] = []

  init(loop: EventLoop, rig: LoopRig, jobs: Mailbox<LoopRig.Job>, behaviour: LoopRig.Behaviour) {
    self.loop = loop
    self.rig = rig
    self.jobs = jobs
    self.behaviour = behaviour
  }

  func accepted(_ connection: Connection) {
    connections[connection.id] = connection
    rig.report.withLock {
      $0.accepted.append(connection.id)
      $0.peers.append(connection.peer)
    }
    behaviour.accepted(connection, loop)
  }

  func received(_ connection: Connection) {
    noted.append(connection)
    rig.report.withLock { $0.received += 1 }
    behaviour.received(connection, loop)
  }

  func drained(_ connection: Connection) {
    rig.report.withLock { $0.drained += 1 }
    behaviour.drained(connection, loop)
  }

  func closed(_ connection: Connection, _ reason: CloseReason) {
    connections[connection.id] = nil
    behaviour.closed(connection, loop)
    rig.report.withLock {
      $0.closed[connection.id, default: []].append(reason)
      $0.reasons.append(reason)
    }
  }

  func turn() {
    let due = noted
    noted = []
    for connection in due { behaviour.serve(connection, loop) }
    var finished: [Latch] = []
    jobs.drain { job in
      job.work(loop, self)
      finished.append(job.done)
    }
    loop.checkInvariants()
    rig.report.withLock { $0.turns += 1 }
    for latch in finished { latch.open() }
  }

  var only: Connection? { connections.count == 1 ? connections.values.first : nil }
}

extension LoopRig.Behaviour {
  /// Sends back what comes in.
  static var echo: Self {
    var behaviour = Self()
    behaviour.serve = { connection, _ in connection.echo() }
    return behaviour
  }
}

extension Connection {
  func echo() {
    let count = input.count
    if count == 0 { return }
    send(input)
    consume(count)
  }

  func send(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserveOutput(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    commitOutput(bytes.count)
  }

  func send(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { send($0) }
  }
}

/// Carries something to the thread that will own it.
private final class Parcel<Content>: @unchecked Sendable {
  // Written before the thread starts, read by that thread alone.
  private var content: Content?

  init(_ content: Content) {
    self.content = content
  }

  func open() -> Content {
    let content = self.content!
    self.content = nil
    return content
  }
}
