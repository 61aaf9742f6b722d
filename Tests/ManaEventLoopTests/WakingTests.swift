import Glibc
import ManaEventLoop
import Synchronization
import Testing

@Suite("Waking, mailboxes")
struct WakingTests {
  @Test("wake-ups that come before the loop looks are one")
  func coalesce() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let before = rig.ask { loop, _ in loop.counters.turns }
    let waker = rig.waker
    let turns = rig.ask { loop, _ in
      for _ in 0..<10_000 { waker.wake() }
      return loop.counters.turns
    }
    let after = rig.ask { loop, _ in loop.counters.turns }
    #expect(turns - before <= 2)
    #expect(after - turns <= 2)
  }

  @Test("no message of many senders is lost, doubled or overtaken by one of the same sender")
  func manySenders() throws {
    let senders = 4
    let messages = 20_000
    let loop = try EventLoop()
    let mailbox = Mailbox<(sender: Int, number: Int)>(waker: loop.waker)
    let threads = try (0..<senders).map { sender in
      try LoopThread(name: "sender") {
        for number in 0..<messages { mailbox.send((sender, number)) }
      }
    }
    let counter = CountingDelegate(loop: loop, mailbox: mailbox, senders: senders, expected: senders * messages)
    // Ends only when all have come, so that a lost wake-up shows as a test that does not end.
    loop.run(delegate: counter)
    for thread in threads { thread.join() }
    #expect(counter.next == Array(repeating: messages, count: senders))
    #expect(counter.isOrdered)
    #expect(mailbox.count == 0)
  }

  private final class CountingDelegate: EventLoopDelegate {
    let loop: EventLoop
    let mailbox: Mailbox<(sender: Int, number: Int)>
    var next: [Int]
    var isOrdered = true
    var missing: Int

    init(loop: EventLoop, mailbox: Mailbox<(sender: Int, number: Int)>, senders: Int, expected: Int) {
      self.loop = loop
      self.mailbox = mailbox
      next = Array(repeating: 0, count: senders)
      missing = expected
    }

    func accepted(_ connection: Connection) {}
    func received(_ connection: Connection) {}
    func closed(_ connection: Connection, _ reason: CloseReason) {}
    func drained(_ connection: Connection) {}

    func turn() {
      mailbox.drain { message in
        if message.number != next[message.sender] { isOrdered = false }
        next[message.sender] = message.number + 1
        missing -= 1
      }
      if missing == 0 { loop.stop() }
    }
  }

  @Test("a wake-up after the loop has stopped does nothing")
  func wakeAfterStop() throws {
    let rig = try LoopRig()
    rig.stop()
    for _ in 0..<100 { rig.waker.wake() }
    #expect(rig.report.withLock { $0.turns } >= 1)
  }

  @Test("a message sent while draining waits for the next drain, and wakes")
  func sendWhileDraining() throws {
    let loop = try EventLoop()
    let mailbox = Mailbox<Int>(waker: loop.waker)
    var got: [Int] = []
    mailbox.send(0)
    mailbox.drain { number in
      got.append(number)
      mailbox.send(number + 1)
    }
    #expect(got == [0])
    #expect(mailbox.count == 1)
    mailbox.drain { got.append($0) }
    #expect(got == [0, 1])
  }

  @Test("noncopyable messages are destroyed exactly once, delivered or not")
  func noncopyable() throws {
    let loop = try EventLoop()
    let live = Count()
    let mailbox = Mailbox<Token>(waker: loop.waker)
    for _ in 0..<100 { mailbox.send(Token(live)) }
    #expect(live.value == 100)
    var delivered = 0
    mailbox.drain { _ in delivered += 1 }
    #expect(delivered == 100)
    #expect(live.value == 0)
    for _ in 0..<50 { mailbox.send(Token(live)) }
    #expect(live.value == 50)
    mailbox.close()
    #expect(live.value == 0)
    let isSent = mailbox.send(Token(live))
    #expect(!isSent)
    #expect(live.value == 0)
    #expect(mailbox.count == 0)
  }

  private final class Count: Sendable {
    let number = Atomic(0)
    var value: Int { number.load(ordering: .relaxed) }
  }

  private struct Token: ~Copyable, Sendable {
    let count: Count

    init(_ count: Count) {
      self.count = count
      count.number.wrappingAdd(1, ordering: .relaxed)
    }

    deinit {
      count.number.wrappingSubtract(1, ordering: .relaxed)
    }
  }
}

@Suite("Timers, signals")
struct TimerTests {
  @Test("fire in the order of their times, once each")
  func order() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let fired = Mutex<[Int]>([])
    rig.perform { loop, _ in
      for (index, delay) in [30, 10, 20].enumerated() {
        loop.after(milliseconds: UInt64(delay)) { fired.withLock { $0.append(index) } }
      }
    }
    try waitFor("all fired") { fired.withLock { $0.count == 3 } }
    #expect(fired.withLock { $0 } == [1, 2, 0])
  }

  @Test("do not fire before their time, by the loop's own clock")
  func notEarly() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let elapsed = Mutex<UInt64?>(nil)
    rig.perform { loop, _ in
      let start = loop.nowNanoseconds
      loop.after(milliseconds: 20) {
        let end = loop.nowNanoseconds
        elapsed.withLock { $0 = end - start }
      }
    }
    try waitFor("fired") { elapsed.withLock { $0 != nil } }
    // libuv counts in whole milliseconds.
    #expect(try #require(elapsed.withLock { $0 }) >= 19_000_000)
  }

  @Test("do not fire once cancelled, and may cancel themselves")
  func cancel() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let fired = Mutex(0)
    let done = Latch()
    rig.perform { loop, _ in
      let cancelled = loop.after(milliseconds: 1) { Issue.record("a cancelled timer fired") }
      #expect(cancelled.isActive)
      cancelled.cancel()
      cancelled.cancel()
      #expect(!cancelled.isActive)
      let repeating = TimerSlot()
      repeating.timer = loop.every(milliseconds: 1) {
        let count = fired.withLock { count in
          count += 1
          return count
        }
        if count == 5 {
          repeating.timer?.cancel()
          loop.after(milliseconds: 20) { done.open() }
        }
      }
    }
    done.wait()
    #expect(fired.withLock { $0 } == 5)
  }

  private final class TimerSlot {
    var timer: ManaEventLoop.Timer?
  }

  @Test("a signal comes to the loop that watches it")
  func signal() throws {
    let rig = try LoopRig()
    defer { rig.stop() }
    let came = Mutex(0)
    rig.perform { loop, _ in
      do {
        try loop.onSignal(SIGUSR2) { came.withLock { $0 += 1 } }
      } catch {
        Issue.record(error)
      }
    }
    kill(getpid(), SIGUSR2)
    try waitFor("the signal") { came.withLock { $0 == 1 } }
  }

  @Test("a signal that cannot be watched is an error with its name")
  func unwatchable() throws {
    let loop = try EventLoop()
    let error = #expect(throws: EventLoopError.self) { try loop.onSignal(SIGKILL) {} }
    #expect(error?.name == "EINVAL")
    #expect(error?.description == "cannot watch signal 9: invalid argument (EINVAL)")
  }
}
