import SystemPackage

/// Has the next segment ready before it is needed: a file of zeros on the disk, and its memory touched.
///
/// The zeros are really written, so that a later sync of a block has no metadata to commit; an unwritten extent would
/// make each first write of a block a transaction of the file system. It runs on its own thread (`run`), or a test
/// drives it (`step`).
final class SegmentPreparer: Sendable {
  private struct State {
    var spares: [Segment]
    var nextNumber: UInt32
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

  private let state: Monitor<State>
  private let storage: any Storage
  private let journal: JournalIdentity
  private let onChange: @Sendable () -> Void
  private let onFailure: @Sendable (JournalFailure) -> Void

  /// `spares` are zeroed segments that an earlier run left behind, in order; `nextNumber` is the one after them.
  init(
    storage: any Storage, journal: JournalIdentity, spares: [Segment], nextNumber: UInt32,
    onChange: @escaping @Sendable () -> Void, onFailure: @escaping @Sendable (JournalFailure) -> Void
  ) {
    self.storage = storage
    self.journal = journal
    self.onChange = onChange
    self.onFailure = onFailure
    state = Monitor(State(spares: spares, nextNumber: nextNumber))
  }

  // MARK: The loop's side

  func take() -> Spare {
    state.update { state in
      if !state.spares.isEmpty { return .ready(state.spares.removeFirst()) }
      return state.isFull ? .full : .making
    }
  }

  /// Waits until `take` would not say `making`; false when it always will.
  func settle() -> Bool {
    state.wait { state in
      if state.hasFailed || state.isStopping { return false }
      return !state.spares.isEmpty || state.isFull ? true : nil
    }
  }

  func stop() { state.update { $0.isStopping = true } }

  // MARK: The preparer's side

  /// The body of the preparer's thread.
  func run() {
    while true {
      let goesOn = state.wait { state -> Bool? in
        if state.isStopping || state.hasFailed { return false }
        return state.spares.isEmpty ? true : nil
      }
      guard goesOn else { return }
      if !step() {
        let isOver: Void? = state.wait(atMost: JournalLimits.roomRetryNanoseconds) { state in
          state.isStopping || state.hasFailed ? () : nil
        }
        if isOver != nil { return }
      }
    }
  }

  /// Makes one spare on the caller's thread; false when there was no room or a failure.
  func step() -> Bool {
    let number = state.withLock { $0.nextNumber }
    guard Int(number) < SegmentTableStorage.segmentCountMax(segmentBytes: journal.segmentBytes) else {
      setFull()
      return false
    }
    do {
      let memory = try SegmentMemory(bytes: journal.segmentBytes)
      let path = Segment.path(shard: journal.shard, segment: number)
      let zeros = UnsafeRawBufferPointer(start: memory.base, count: memory.bytes)
      let file = try SegmentFile.make(path, content: zeros, in: storage)
      let segment = Segment(number: number, path: path, file: file, memory: memory)
      state.update { state in
        state.spares.append(segment)
        state.nextNumber += 1
        state.isFull = false
      }
      onChange()
      return true
    } catch .system(let operation, let file, let code) {
      switch code {
      case .noSpace, .diskQuotaExceeded, .noMemory: setFull()
      default: fail(JournalFailure(operation: operation, file: file, code: code))
      }
    } catch {
      preconditionFailure("making a segment meets the operating system only: \(error)")
    }
    return false
  }

  /// Says that there is no room; wakes the loop when that is news.
  private func setFull() {
    let isNews = state.update { state in
      defer { state.isFull = true }
      return !state.isFull
    }
    if isNews { onChange() }
  }

  private func fail(_ failure: JournalFailure) {
    state.update { $0.hasFailed = true }
    onFailure(failure)
  }
}

enum SegmentFile {
  static func temporaryPath(of path: String) -> String {
    String(path.dropLast(Segment.suffix.count) + Segment.temporarySuffix)
  }

  /// Makes a segment's file, as a rule of zeros: under a temporary name until all of it is on the disk, so that a
  /// segment under its own name always has its full length. Removes what it made when it fails.
  static func make(
    _ path: String, content: UnsafeRawBufferPointer, in storage: any Storage
  ) throws(JournalError) -> any StorageFile {
    let name = temporaryPath(of: path)
    do {
      let file = try JournalError.naming("create", storage.describe(name)) { () throws(Errno) in
        try storage.create(name)
      }
      try JournalError.naming("write", storage.describe(name)) { () throws(Errno) in
        try file.reserve(bytes: content.count)
        for offset in stride(from: 0, to: content.count, by: JournalLimits.zeroPieceBytes) {
          let end = min(offset + JournalLimits.zeroPieceBytes, content.count)
          try file.write(UnsafeRawBufferPointer(rebasing: content[offset..<end]), at: offset)
        }
      }
      try JournalError.naming("sync", storage.describe(name)) { () throws(Errno) in try file.sync() }
      try JournalError.naming("rename", storage.describe(name)) { () throws(Errno) in
        try storage.rename(name, to: path)
      }
      let directory = String(path[..<path.lastIndex(of: "/")!])
      try JournalError.naming("sync the directory", storage.describe(directory)) { () throws(Errno) in
        try storage.syncDirectory(directory)
      }
      return file
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
