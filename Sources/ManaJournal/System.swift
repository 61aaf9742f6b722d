// The only door to the operating system in this module: files, memory, threads, the clock. Nothing else imports Glibc.
//
// Interruptions: a read, a write or an open that a signal interrupts before it did anything (EINTR) is made again.
// A sync is not: a sync that did not succeed has failed, whatever the reason, because nobody can say what a second
// one would mean. The threads made here block all signals, so in practice none is interrupted.
//
// Short counts: a short read or write is continued from where it stopped, rounded down to a whole sector, because
// direct input and output knows nothing smaller.

import CLinux
import Glibc
import SystemPackage

enum System {
  struct OpenOptions: OptionSet {
    let rawValue: Int32
    static let create = OpenOptions(rawValue: O_CREAT)
    static let exclusive = OpenOptions(rawValue: O_EXCL)
    static let direct = OpenOptions(rawValue: MANA_O_DIRECT)
    static let directory = OpenOptions(rawValue: O_DIRECTORY)
    /// Without the right to write. Ours, not the operating system's, for which it is the absence of a bit.
    static let readOnly = OpenOptions(rawValue: 1 << 30)
  }

  private static func check(_ result: Int32) throws(Errno) {
    if result < 0 { throw Errno(rawValue: errno) }
  }

  /// Makes a call, and again each time that a signal has interrupted it. What it returned.
  static func uninterrupted(_ call: () -> Int) throws(Errno) -> Int {
    while true {
      let result = call()
      if result >= 0 { return result }
      if errno != EINTR { throw Errno(rawValue: errno) }
    }
  }

  // MARK: Files

  static func open(_ path: String, _ options: OpenOptions) throws(Errno) -> Int32 {
    let access = options.isDisjoint(with: [.directory, .readOnly]) ? O_RDWR : O_RDONLY
    let flags = access | O_CLOEXEC | options.subtracting(.readOnly).rawValue
    return Int32(try uninterrupted { Int(Glibc.open(path, flags, 0o640)) })
  }

  /// Closes a descriptor. What was written has been synced before or does not matter, so an error has nothing to say;
  /// a descriptor that is not open is a fault of this program.
  static func close(_ descriptor: Int32) {
    errno = 0
    Glibc.close(descriptor)
    precondition(errno != EBADF, "closed a descriptor twice")
  }

  /// Fills `buffer` from `offset`; the end of the file before that is `Errno.noData`.
  static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = try uninterrupted { pread(descriptor, base + done, buffer.count - done, off_t(offset + done)) }
      let whole = done + count == buffer.count ? count : count & -JournalLimits.blockAlignment
      if whole == 0 { throw Errno(rawValue: ENODATA) }
      done += whole
    }
  }

  /// Writes all of `buffer` at `offset`. Says nothing about durability: see `syncData`.
  static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = try uninterrupted { pwrite(descriptor, base + done, buffer.count - done, off_t(offset + done)) }
      let whole = done + count == buffer.count ? count : count & -JournalLimits.blockAlignment
      if whole == 0 { throw Errno(rawValue: EIO) }
      done += whole
    }
  }

  /// The bytes of a file, and what else is needed to read them back, are on the disk when this returns.
  static func syncData(_ descriptor: Int32) throws(Errno) { try check(fdatasync(descriptor)) }

  /// The same for all of a file's metadata; for a directory, its entries.
  static func syncAll(_ descriptor: Int32) throws(Errno) { try check(fsync(descriptor)) }

  static func size(of descriptor: Int32) throws(Errno) -> Int {
    var status = stat()
    try check(fstat(descriptor, &status))
    return Int(status.st_size)
  }

  /// Takes room on the disk for the first `bytes` of a file, so that a full disk shows before anything is written.
  /// False on file systems that cannot do it. Not `posix_fallocate`, which would write to such a file instead.
  static func reserve(_ descriptor: Int32, bytes: Int) throws(Errno) -> Bool {
    do {
      _ = try uninterrupted { Int(mana_fallocate(descriptor, Int64(bytes))) }
      return true
    } catch .notSupported {
      return false
    } catch {
      throw error
    }
  }

  static func rename(_ source: String, _ target: String) throws(Errno) { try check(Glibc.rename(source, target)) }
  static func link(_ source: String, _ target: String) throws(Errno) { try check(Glibc.link(source, target)) }
  static func remove(_ path: String) throws(Errno) { try check(unlink(path)) }
  static func makeDirectory(_ path: String) throws(Errno) { try check(mkdir(path, 0o750)) }

  /// The names in a directory, sorted, without `.` and `..`.
  static func names(in path: String) throws(Errno) -> [String] {
    guard let stream = opendir(path) else { throw Errno(rawValue: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    func next() -> UnsafeMutablePointer<dirent>? {
      errno = 0
      return readdir(stream)
    }
    while let entry = next() {
      let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    // Nil and no error is the end.
    try check(-errno)
    return names.sorted()
  }

  /// Locks an open file against every other open of it, in this process or another; `shared`: against those alone that
  /// want it for themselves. False when someone holds it.
  static func tryLock(_ descriptor: Int32, shared: Bool = false) throws(Errno) -> Bool {
    if flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw Errno(rawValue: errno)
  }

  /// The magic number of the file system that holds `path` (statfs(2) lists them).
  static func fileSystemType(of path: String) throws(Errno) -> UInt32 {
    let type = mana_file_system_type(path)
    guard type >= 0 else { throw Errno(rawValue: errno) }
    return UInt32(type)
  }

  // MARK: Memory

  /// Zeroed memory of the process alone. A length of `alignment` or more begins at a multiple of it.
  ///
  /// `populated` of its bytes, from the beginning, are touched now; more than none asks for huge pages, and for the
  /// right to touch the others with `populate`.
  static func map(bytes: Int, alignment: Int, populated: Int) throws(Errno) -> UnsafeMutableRawPointer {
    let isAligned = bytes >= alignment && alignment > JournalLimits.pageBytes
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | (populated > 0 ? 0 : MAP_NORESERVE)
    let base = try map(bytes: bytes, alignment: isAligned ? alignment : 1, flags: flags)
    guard populated > 0 else { return base }
    // Advice: where huge pages are not to be had, small ones do.
    if isAligned { _ = madvise(base, bytes, MANA_MADV_HUGEPAGE) }
    do throws(Errno) {
      try populate(base, bytes: populated)
    } catch {
      unmap(base, bytes: bytes)
      throw error
    }
    return base
  }

  /// Each change of the process's map waits for whatever is being touched on another thread, so it is made once where
  /// that gives the alignment, as Linux does for huge pages from 6.7 on.
  static func map(bytes: Int, alignment: Int, flags: Int32) throws(Errno) -> UnsafeMutableRawPointer {
    func map(_ count: Int) throws(Errno) -> UnsafeMutableRawPointer {
      guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
        throw Errno(rawValue: errno)
      }
      return start
    }
    let direct = try map(bytes)
    if Int(bitPattern: direct) % alignment == 0 { return direct }
    unmap(direct, bytes: bytes)
    // Room for something before it and something behind it, wherever it begins.
    let start = try map(bytes + 2 * alignment)
    let head = alignment - Int(bitPattern: start) % alignment
    unmap(start, bytes: head)
    unmap(start + head + bytes, bytes: 2 * alignment - head)
    return start + head
  }

  /// Touches all of it, as if written: a page fault on the way of a charge costs more than the charge. A huge page at a
  /// time: the kernel keeps the process's map locked meanwhile, and whoever maps anything on another thread waits for
  /// the whole of it.
  static func populate(_ base: UnsafeMutableRawPointer, bytes: Int) throws(Errno) {
    for offset in stride(from: 0, to: bytes, by: JournalLimits.hugePageBytes) {
      let count = min(JournalLimits.hugePageBytes, bytes - offset)
      guard madvise(base + offset, count, MANA_MADV_POPULATE_WRITE) != 0 else { continue }
      let code = errno
      guard code == EINVAL else { throw Errno(rawValue: code) }
      for page in stride(from: offset, to: offset + count, by: JournalLimits.pageBytes) {
        (base + page).storeBytes(of: 0, as: UInt8.self)
      }
    }
  }

  /// The first `bytes` of a file as memory to read, through the page cache and without taking any of the process's own.
  static func map(_ descriptor: Int32, bytes: Int) throws(Errno) -> UnsafeMutableRawPointer {
    guard let start = mmap(nil, bytes, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    return start
  }

  static func unmap(_ base: UnsafeMutableRawPointer, bytes: Int) {
    precondition(munmap(base, bytes) == 0, "unmapped what was not mapped")
  }

  static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return true }
    // Equal to itself, one byte on, and its first byte zero: memcmp is the fastest loop there is.
    return base.load(as: UInt8.self) == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
  }

  static func zero(_ bytes: UnsafeMutableRawBufferPointer) {
    if let base = bytes.baseAddress { memset(base, 0, bytes.count) }
  }

  // MARK: Threads and time

  /// A mutex and a condition, at an address that does not move.
  final class Condition: @unchecked Sendable {
    // Unchecked: these two pointers never change, and what they point to is made to be shared.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
      var attributes = pthread_condattr_t()
      let results = [
        pthread_mutex_init(mutex, nil), pthread_condattr_init(&attributes),
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), pthread_cond_init(condition, &attributes),
        pthread_condattr_destroy(&attributes),
      ]
      precondition(results.allSatisfy { $0 == 0 }, "no mutex to be had")
    }

    deinit {
      pthread_cond_destroy(condition)
      pthread_mutex_destroy(mutex)
      condition.deallocate()
      mutex.deallocate()
    }

    func lock() { precondition(pthread_mutex_lock(mutex) == 0) }
    func unlock() { precondition(pthread_mutex_unlock(mutex) == 0) }
    func wait() { precondition(pthread_cond_wait(condition, mutex) == 0) }
    func broadcast() { precondition(pthread_cond_broadcast(condition) == 0) }

    /// Waits until woken or until the monotonic clock shows `deadline`.
    func wait(until deadline: UInt64) {
      var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
      let result = pthread_cond_timedwait(condition, mutex, &time)
      precondition(result == 0 || result == ETIMEDOUT)
    }
  }

  private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread that blocks all signals, so that they reach the thread that waits for them. `name` has at most
  /// 15 bytes. Join it with `join`.
  static func startThread(named name: String, _ run: @escaping @Sendable () -> Void) throws(Errno) -> UInt {
    let body = Unmanaged.passRetained(ThreadBody(run))
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let result = pthread_create(&thread, nil, threadMain, body.toOpaque())
    if result != 0 {
      body.release()
      throw Errno(rawValue: result)
    }
    _ = mana_name_thread(thread, name)
    return UInt(thread)
  }

  private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().run()
    return nil
  }

  static func join(_ thread: UInt) {
    precondition(pthread_join(pthread_t(thread), nil) == 0, "joined a thread twice")
  }

  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  static var processID: Int32 { getpid() }

  /// Whether a process with this id is there, somebody else's included.
  static func isRunning(_ processID: Int32) -> Bool { kill(processID, 0) == 0 || errno != ESRCH }

  /// Seconds since 1970.
  static func wallClockSeconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec
  }

  /// A moment, in seconds since 1970, as a date and a time in UTC.
  static func utc(_ seconds: Int) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    var time = tm()
    var seconds = seconds
    gmtime_r(&seconds, &time)
    return (
      Int(time.tm_year) + 1900, Int(time.tm_mon) + 1, Int(time.tm_mday), Int(time.tm_hour), Int(time.tm_min),
      Int(time.tm_sec)
    )
  }

  static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

  /// One line to standard error, if there is one to say, then the end, with the status that sysexits.h calls an
  /// input/output error. No handler and no destructor runs: nothing may write again.
  static func endProcess(saying line: String?) -> Never {
    if let line {
      var text = line + "\n"
      text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
    _exit(74)
  }
}
