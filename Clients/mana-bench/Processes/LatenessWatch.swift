import CLinux
import Glibc
import Synchronization

/// How late this machine lets a thread go on that has slept: one on each processor sleeps for two milliseconds, again and
/// again. Other work delays it by a few milliseconds, a host that stops the machine or one of its processors by as long
/// as that takes; no figure of time can be better than that.
final class LatenessWatch: Sendable {
  /// What was seen on the processor that was later.
  struct Lateness: Equatable {
    /// In nanoseconds.
    var longest: UInt64 = 0
    /// Of all that were later than `noted`, together, in nanoseconds.
    var total: UInt64 = 0

    /// More than the scheduler of a busy machine makes it, in nanoseconds.
    static let noted: UInt64 = 10_000_000

    mutating func add(_ late: UInt64) {
      longest = max(longest, late)
      if late >= Self.noted { total += late }
    }

    /// For a remark; nil when there is nothing to remark.
    var text: String? {
      guard longest >= Self.noted else { return nil }
      return "meanwhile a thread that slept 2 ms on each processor woke up to "
        + "\(Quantity.time(microseconds: Double(longest) / 1e3)) late, "
        + "\(Quantity.time(microseconds: Double(total) / 1e3)) in all"
    }
  }

  private static let sleepNanoseconds: UInt64 = 2_000_000
  private let isOver = Atomic<Bool>(false)
  private let seen = Mutex<[Lateness]>([])
  private let threads = Mutex<[pthread_t]>([])

  /// Begins to watch each processor that is online. One that this process may not use, or for which no thread can be made, is
  /// left out.
  init() {
    for processor in 0..<Int32(sysconf(Int32(_SC_NPROCESSORS_ONLN))) {
      var thread = pthread_t()
      let start = Unmanaged.passRetained(Start(watch: self, processor: processor))
      if pthread_create(&thread, nil, runWatch, start.toOpaque()) == 0 {
        threads.withLock { $0.append(thread) }
      } else {
        start.release()
      }
    }
  }

  fileprivate final class Start: Sendable {
    let watch: LatenessWatch
    let processor: Int32

    init(watch: LatenessWatch, processor: Int32) {
      self.watch = watch
      self.processor = processor
    }
  }

  fileprivate func run(on processor: Int32) {
    guard mana_run_on_processor(processor) == 0 else { return }
    var lateness = Lateness()
    var before = System.now()
    while !isOver.load(ordering: .relaxed) {
      System.sleep(nanoseconds: Self.sleepNanoseconds)
      let now = System.now()
      lateness.add(now - before - min(now - before, Self.sleepNanoseconds))
      before = now
    }
    seen.withLock { $0.append(lateness) }
  }

  /// Ends the watch, unless it has ended: what the processor saw that was later than the others.
  @discardableResult
  func stop() -> Lateness {
    isOver.store(true, ordering: .relaxed)
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { pthread_join(thread, nil) }
    return seen.withLock { $0.max { $0.longest < $1.longest } ?? Lateness() }
  }
}

private func runWatch(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let start = Unmanaged<LatenessWatch.Start>.fromOpaque(argument!).takeRetainedValue()
  start.watch.run(on: start.processor)
  return nil
}
