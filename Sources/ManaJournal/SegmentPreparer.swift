import SystemPackage

/// Has the next segments ready before they are needed.
///
/// First what a segment cannot do without: a file of its length whose room on the disk is taken, and memory, touched.
/// From the first piece of memory on the segment can be taken: where the system hands out memory more slowly than
/// charges come, they wait for the next piece and not for a whole segment. Then, when nobody was in a hurry for it,
/// zeros are really written: the first write of a block into room that was only taken costs a commit of the file
/// system's own journal at its sync, which a lonely charge would feel. A segment that is wanted at once goes as it is:
/// at full speed the zeros would take from the blocks half of the disk.
///
/// It runs on its own thread (`run`), or a test drives it (`step`).
final class SegmentPreparer: @unchecked Sendable {
  // Unchecked: the state is behind its monitor, and the zeros never change.

  private struct Prepared {
    let segment: Segment
    /// Of its file, from the beginning: really written.
    var zeroedBytes: Int
  }

  private struct State {
    var spares: [Prepared]
    /// Memory of segments that have left it, for those to come: new memory costs its time, and there would be more.
    var buffers: [SegmentBuffer]
    var nextNumber: UInt32
    /// The first spare's zeros are being written at this moment: it cannot be taken.
    var isZeroing = false
    /// The newest segment while some of its memory is still to be touched, whether it was taken or not.
    var populating: Segment?
    /// The loop asked for a spare or for memory in vain and wants to be told.
    var isWanted = false
    var isFull = false
    var hasFailed = false
    var isStopping = false
  }

  enum Spare {
    case ready(Segment)
    case making
    /// The disk or the memory has no room for another segment, or the positions are used up.
    case full
  }

  /// What there is to do next.
  enum Task {
    case make
    case populate(Segment)
    case zero(Segment, from: Int)
  }

  private let state: Monitor<State>
  private let zeros: SegmentMemory
  private let storage: any Storage
  private let journal: JournalIdentity
  private let onChange: @Sendable () -> Void
  private let onFailure: @Sendable (JournalFailure) -> Void

  /// `spares` are segments without a block that an earlier run left behind, in order; `nextNumber` is the one after
  /// them; `buffers` is memory to be used first.
  init(
    storage: any Storage, journal: JournalIdentity, spares: [Segment], nextNumber: UInt32,
    buffers: [SegmentBuffer] = [], onChange: @escaping @Sendable () -> Void,
    onFailure: @escaping @Sendable (JournalFailure) -> Void
  ) throws(JournalError) {
    zeros = try SegmentFile.zeros(for: journal.segmentBytes)
    self.storage = storage
    self.journal = journal
    self.onChange = onChange
    self.onFailure = onFailure
    state = Monitor(
      State(
        spares: spares.map { Prepared(segment: $0, zeroedBytes: 0) }, buffers: buffers, nextNumber: nextNumber))
  }

  // MARK: The loop's side

  func take() -> Spare {
    state.update { state in
      if Self.isMaking(state) {
        state.isWanted = true
        return .making
      }
      return state.spares.isEmpty ? .full : .ready(state.spares.removeFirst().segment)
    }
  }

  /// Takes the memory of a segment that has left it.
  func recycle(_ buffer: SegmentBuffer) { state.withLock { $0.buffers.append(buffer) } }

  /// Whether the first `bytes` of a segment that was taken have been touched; if not, `onChange` is called when more
  /// have. `full`: the system has no memory at this moment.
  func memory(of segment: Segment, bytes: Int) -> Journal.Room {
    state.withLock { state in
      if segment.populatedBytes >= bytes { return .ready }
      if state.isFull { return .full }
      state.isWanted = true
      return .busy
    }
  }

  /// Waits until `take` would not say `making`; false when it always will.
  func settle() -> Bool {
    state.wait { state in
      if state.hasFailed || state.isStopping { return false }
      return Self.isMaking(state) ? nil : true
    }
  }

  /// Whether the next spare is still to come, or cannot be taken at this moment.
  private static func isMaking(_ state: State) -> Bool { state.spares.isEmpty ? !state.isFull : state.isZeroing }

  /// Whether there is anything for `step` to do.
  var hasWork: Bool { state.withLock { !Self.isOver($0) && next($0) != nil } }

  func stop() { state.update { $0.isStopping = true } }

  // MARK: The preparer's side

  /// The body of the preparer's thread.
  func run() {
    var pause = JournalLimits.zeroDelayNanoseconds
    while let task = state.wait(for: { Self.isOver($0) ? Task??.some(nil) : next($0).map { .some($0) } }) {
      if case .zero = task, isInterrupted(within: pause) { continue }
      let begin = System.monotonicNanoseconds()
      let isDone = perform(task)
      switch task {
      case .zero: pause = System.monotonicNanoseconds() - begin
      case .make where isDone, .populate where isDone: pause = JournalLimits.zeroDelayNanoseconds
      case .make, .populate: _ = state.wait(atMost: JournalLimits.roomRetryNanoseconds) { Self.isOver($0) ? () : nil }
      }
    }
  }

  /// Does the next thing there is to do on the caller's thread; false when there was nothing, no room or a failure.
  func step() -> Bool {
    guard let task = nextTask() else { return false }
    return perform(task)
  }

  /// What `step` would do now. The loop may take the segment that it is about before it is done.
  func nextTask() -> Task? { state.withLock { next($0) } }

  private static func isOver(_ state: State) -> Bool { state.isStopping || state.hasFailed }

  private func next(_ state: State) -> Task? {
    if let segment = state.populating { return .populate(segment) }
    if state.spares.count < JournalLimits.sparesMax { return .make }
    guard let spare = state.spares.first, spare.zeroedBytes < journal.segmentBytes else { return nil }
    return .zero(spare.segment, from: spare.zeroedBytes)
  }

  /// Zeros wait until the spares have lain about for a while, and then leave every second moment of the disk to the
  /// blocks. True when something else is to be done first.
  private func isInterrupted(within nanoseconds: UInt64) -> Bool {
    state.wait(atMost: nanoseconds) { state in
      Self.isOver(state) || state.spares.count < JournalLimits.sparesMax ? () : nil
    } != nil
  }

  /// False when there was no room or a failure.
  func perform(_ task: Task) -> Bool {
    do throws(JournalError) {
      switch task {
      case .make: return try make()
      case .populate(let segment): try populate(segment)
      case .zero(let segment, let start): try zero(segment, from: start)
      }
      return true
    } catch .system(let operation, let file, let code) {
      switch (task, code) {
      case (.make, .noSpace), (.make, .diskQuotaExceeded), (.make, .noMemory), (.populate, .noMemory): setFull()
      default:
        state.update { $0.hasFailed = true }
        onFailure(JournalFailure(operation: operation, file: file, code: code))
      }
    } catch {
      preconditionFailure("making a segment meets the operating system only: \(error)")
    }
    return false
  }

  /// Makes one spare; false when the positions are used up.
  private func make() throws(JournalError) -> Bool {
    let number = state.withLock { $0.nextNumber }
    guard Int(number) < SegmentTableStorage.segmentCountMax(segmentBytes: journal.segmentBytes) else {
      setFull()
      return false
    }
    let (buffer, populatedBytes) = try takeBuffer()
    let path = Segment.path(shard: journal.shard, segment: number)
    let file: any StorageFile
    let zeroedBytes: Int
    do {
      (file, zeroedBytes) = try SegmentFile.make(path, bytes: journal.segmentBytes, zeros: zeros, in: storage)
    } catch {
      if populatedBytes == journal.segmentBytes { recycle(buffer) }
      throw error
    }
    let segment = Segment(number: number, path: path, file: file, buffer: buffer, populatedBytes: populatedBytes)
    state.update { state in
      state.spares.append(Prepared(segment: segment, zeroedBytes: zeroedBytes))
      state.nextNumber += 1
      state.populating = populatedBytes < journal.segmentBytes ? segment : nil
      state.isFull = false
    }
    onChange()
    return true
  }

  /// Memory of a segment that has left it, or else new.
  private func takeBuffer() throws(JournalError) -> (buffer: SegmentBuffer, populatedBytes: Int) {
    if let buffer = state.withLock({ $0.buffers.popLast() }) { return (buffer, journal.segmentBytes) }
    // A block is no longer than a huge page: what is taken has memory for the first one.
    let populatedBytes = min(JournalLimits.hugePageBytes, journal.segmentBytes)
    return (
      SegmentBuffer(try SegmentMemory(bytes: journal.segmentBytes, populatedBytes: populatedBytes)), populatedBytes
    )
  }

  /// Touches the next piece of the newest segment's memory, and tells who waits for one.
  private func populate(_ segment: Segment) throws(JournalError) {
    try segment.populateNext()
    let isNews = state.update { state in
      if segment.populatedBytes == journal.segmentBytes { state.populating = nil }
      defer { (state.isWanted, state.isFull) = (false, false) }
      return state.isWanted || state.isFull
    }
    if isNews { onChange() }
  }

  /// Writes a piece of the first spare's zeros; makes them durable with the last one.
  private func zero(_ segment: Segment, from start: Int) throws(JournalError) {
    let isStillSpare = state.update { state in
      state.isZeroing = state.spares.first?.segment === segment
      return state.isZeroing
    }
    guard isStillSpare else { return }
    let end = min(start + JournalLimits.zeroPieceBytes, journal.segmentBytes)
    defer {
      let isWanted = state.update { state in
        state.isZeroing = false
        state.spares[0].zeroedBytes = end
        defer { state.isWanted = false }
        return state.isWanted
      }
      if isWanted { onChange() }
    }
    let piece = UnsafeRawBufferPointer(start: zeros.base, count: end - start)
    try JournalError.naming("write zeros to", storage.describe(segment.path)) { () throws(Errno) in
      try segment.file.write(piece, at: start)
      if end == journal.segmentBytes { try segment.file.sync() }
    }
  }

  /// Says that there is no room; wakes the loop when that is news.
  private func setFull() {
    let isNews = state.update { state in
      defer { state.isFull = true }
      return !state.isFull
    }
    if isNews { onChange() }
  }
}
