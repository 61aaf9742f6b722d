import SystemPackage

/// Has the next segments ready before they are needed.
///
/// First what a segment cannot do without: its memory, touched, and a file of its length whose room on the disk is
/// taken. Then, when nobody was in a hurry for it, zeros are really written: the first write of a block into room that
/// was only taken costs a commit of the file system's own journal at its sync, which a lonely charge would feel. A
/// segment that is wanted at once goes as it is: at full speed the zeros would take from the blocks half of the disk.
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
    var nextNumber: UInt32
    /// The first spare's zeros are being written at this moment: it cannot be taken.
    var isZeroing = false
    /// The loop asked for a spare in vain and wants to be told.
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
  private enum Task {
    case make
    case zero(Segment, from: Int)
  }

  private let state: Monitor<State>
  private let zeros: SegmentMemory
  private let storage: any Storage
  private let journal: JournalIdentity
  private let onChange: @Sendable () -> Void
  private let onFailure: @Sendable (JournalFailure) -> Void

  /// `spares` are segments without a block that an earlier run left behind, in order; `nextNumber` is the one after
  /// them.
  init(
    storage: any Storage, journal: JournalIdentity, spares: [Segment], nextNumber: UInt32,
    onChange: @escaping @Sendable () -> Void, onFailure: @escaping @Sendable (JournalFailure) -> Void
  ) throws(JournalError) {
    zeros = try SegmentFile.zeros(for: journal.segmentBytes)
    self.storage = storage
    self.journal = journal
    self.onChange = onChange
    self.onFailure = onFailure
    state = Monitor(
      State(spares: spares.map { Prepared(segment: $0, zeroedBytes: 0) }, nextNumber: nextNumber))
  }

  // MARK: The loop's side

  func take() -> Spare {
    state.update { state in
      if !state.spares.isEmpty && !state.isZeroing { return .ready(state.spares.removeFirst().segment) }
      if state.isFull && state.spares.isEmpty { return .full }
      state.isWanted = true
      return .making
    }
  }

  /// Waits until `take` would not say `making`; false when it always will.
  func settle() -> Bool {
    state.wait { state in
      if state.hasFailed || state.isStopping { return false }
      return (!state.spares.isEmpty && !state.isZeroing) || state.isFull ? true : nil
    }
  }

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
      case .make where isDone: pause = JournalLimits.zeroDelayNanoseconds
      case .make: _ = state.wait(atMost: JournalLimits.roomRetryNanoseconds) { Self.isOver($0) ? () : nil }
      }
    }
  }

  /// Does the next thing there is to do on the caller's thread; false when there was nothing, no room or a failure.
  func step() -> Bool {
    guard let task = state.withLock({ next($0) }) else { return false }
    return perform(task)
  }

  private static func isOver(_ state: State) -> Bool { state.isStopping || state.hasFailed }

  private func next(_ state: State) -> Task? {
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

  private func perform(_ task: Task) -> Bool {
    do throws(JournalError) {
      switch task {
      case .make: return try make()
      case .zero(let segment, let start): try zero(segment, from: start)
      }
      return true
    } catch .system(let operation, let file, let code) {
      if case .make = task, code == .noSpace || code == .diskQuotaExceeded || code == .noMemory {
        setFull()
      } else {
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
    let memory = try SegmentMemory(bytes: journal.segmentBytes)
    let path = Segment.path(shard: journal.shard, segment: number)
    let (file, zeroedBytes) = try SegmentFile.make(path, bytes: journal.segmentBytes, zeros: zeros, in: storage)
    let spare = Prepared(
      segment: Segment(number: number, path: path, file: file, memory: memory), zeroedBytes: zeroedBytes)
    state.update { state in
      state.spares.append(spare)
      state.nextNumber += 1
      state.isFull = false
    }
    onChange()
    return true
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

enum SegmentFile {
  /// What is written where nothing is to be: as many zeros as are written at once.
  static func zeros(for segmentBytes: Int) throws(JournalError) -> SegmentMemory {
    try SegmentMemory(bytes: min(JournalLimits.zeroPieceBytes, segmentBytes))
  }

  /// Makes a segment's file, of which all bytes are zero and have their room on the disk: under a temporary name until
  /// that is durable, so that a segment under its own name always has its full length. Removes what it made when it
  /// fails. `zeroedBytes` is how many of its bytes were really written: all where room cannot be taken otherwise.
  static func make(
    _ path: String, bytes: Int, zeros: borrowing SegmentMemory, in storage: any Storage
  ) throws(JournalError) -> (file: any StorageFile, zeroedBytes: Int) {
    let piece = UnsafeRawBufferPointer(start: zeros.base, count: zeros.bytes)
    return try make(path, in: storage) { file throws(Errno) in
      if try file.reserve(bytes: bytes) { return 0 }
      for offset in stride(from: 0, to: bytes, by: piece.count) {
        try file.write(UnsafeRawBufferPointer(rebasing: piece[..<min(piece.count, bytes - offset)]), at: offset)
      }
      return bytes
    }
  }

  /// Makes a segment's file that has content already.
  static func make(
    _ path: String, content: UnsafeRawBufferPointer, in storage: any Storage
  ) throws(JournalError) {
    _ = try make(path, in: storage) { file throws(Errno) in
      _ = try file.reserve(bytes: content.count)
      for offset in stride(from: 0, to: content.count, by: JournalLimits.zeroPieceBytes) {
        let end = min(offset + JournalLimits.zeroPieceBytes, content.count)
        try file.write(UnsafeRawBufferPointer(rebasing: content[offset..<end]), at: offset)
      }
      return content.count
    }
  }

  static func temporaryPath(of path: String) -> String {
    String(path.dropLast(Segment.suffix.count) + Segment.temporarySuffix)
  }

  private static func make(
    _ path: String, in storage: any Storage, fill: (any StorageFile) throws(Errno) -> Int
  ) throws(JournalError) -> (file: any StorageFile, zeroedBytes: Int) {
    let name = temporaryPath(of: path)
    do {
      let file = try JournalError.naming("create", storage.describe(name)) { () throws(Errno) in
        try storage.create(name)
      }
      let zeroedBytes = try JournalError.naming("take room for", storage.describe(name)) { () throws(Errno) in
        try fill(file)
      }
      try JournalError.naming("sync", storage.describe(name)) { () throws(Errno) in try file.sync() }
      try JournalError.naming("rename", storage.describe(name)) { () throws(Errno) in
        try storage.rename(name, to: path)
      }
      let directory = String(path[..<path.lastIndex(of: "/")!])
      try JournalError.naming("sync the directory", storage.describe(directory)) { () throws(Errno) in
        try storage.syncDirectory(directory)
      }
      return (file, zeroedBytes)
    } catch {
      // The first error is the one to report; a temporary file that stays is removed by the next start.
      removeAfterFailure(name, in: storage)
      throw error
    }
  }

  private static func removeAfterFailure(_ name: String, in storage: any Storage) {
    do {
      try storage.remove(name)
    } catch {
      // It may never have been made, or have its own name already. Nothing is lost either way.
      return
    }
  }
}
