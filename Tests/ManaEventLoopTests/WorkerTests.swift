import Glibc
import ManaEventLoop
import Synchronization
import Testing

@Suite struct WorkerTests {
  /// All of it is done before `end` returns, on a thread of its own.
  @Test func worksAreDoneInOrder() throws {
    let worker = try Worker(name: "mana-test")
    let done = Mutex<[Int]>([])
    let threads = Mutex<Set<pthread_t>>([])
    for number in 0..<1_000 {
      worker.submit {
        done.withLock { $0.append(number) }
        _ = threads.withLock { $0.insert(pthread_self()) }
      }
    }
    worker.end()
    #expect(done.withLock { $0 } == Array(0..<1_000))
    #expect(threads.withLock { $0.count } == 1 && !threads.withLock { $0.contains(pthread_self()) })
  }

  @Test func submittingWaitsForNothing() throws {
    let worker = try Worker(name: "mana-test")
    let gate = Latch()
    let done = Mutex(0)
    worker.submit {
      gate.wait()
      done.withLock { $0 += 1 }
    }
    worker.submit { done.withLock { $0 += 1 } }
    #expect(done.withLock { $0 } == 0)
    gate.open()
    worker.end()
    #expect(done.withLock { $0 } == 2)
  }
}
