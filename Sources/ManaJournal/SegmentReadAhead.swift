import SystemPackage

/// Reads segments of a journal on threads of its own, while those before them are compared or executed: most of the time
/// that a segment takes is its memory's and the disk's.
///
/// It judges nothing. A segment that cannot be read, or has another length than segments have, is left to whoever follows
/// the journal, and who finds out at its turn what is wrong with it.
final class SegmentReadAhead {
  private let storage: any Storage
  private let journal: JournalIdentity
  /// Still to be asked for, in order.
  private var numbers: ArraySlice<UInt32>
  /// Taken in turns.
  private var readers: [SegmentAheadReader] = []
  private var threads: [UInt] = []
  /// Numbers that were asked for and not taken yet, in order; each is with the reader of the same place, counted from
  /// `turn`.
  private var asked: [UInt32] = []
  private var turn = 0

  /// Starts the threads. Where the system has none to give nothing is read ahead.
  init(_ numbers: ArraySlice<UInt32>, storage: any Storage, journal: JournalIdentity) {
    self.numbers = numbers
    self.storage = storage
    self.journal = journal
    for _ in 0..<min(JournalLimits.segmentsReadAhead, numbers.count) {
      let reader = SegmentAheadReader(storage: storage, journal: journal)
      do throws(Errno) {
        threads.append(try System.startThread(named: "mana-ahead-\(journal.shard)") { reader.run() })
      } catch {
        break
      }
      readers.append(reader)
    }
  }

  /// Has the next segments read, as many as there are threads, into the memory that `buffer` gives, or new memory.
  func ask(into buffer: () -> SegmentBuffer?) {
    while asked.count < readers.count, let number = numbers.popFirst() {
      readers[(turn + asked.count) % readers.count].ask(for: number, into: buffer())
      asked.append(number)
    }
  }

  /// The segment, which is the next one; nil where it has to be read by its caller. Waits for it.
  func take(_ number: UInt32) -> Segment? {
    guard asked.first == number else { return nil }
    asked.removeFirst()
    defer { turn = (turn + 1) % readers.count }
    return readers[turn].take()
  }

  /// Ends the threads, after what they are reading.
  func end() {
    for reader in readers { reader.stop() }
    for thread in threads { System.join(thread) }
    (readers, threads) = ([], [])
  }
}

/// Reads one segment at a time.
private final class SegmentAheadReader: Sendable {
  private enum State {
    case idle
    case wanted(UInt32, SegmentBuffer?)
    case reading
    case done(Segment?)
    case stopped
  }

  private let state = Monitor(State.idle)
  private let storage: any Storage
  private let journal: JournalIdentity

  init(storage: any Storage, journal: JournalIdentity) {
    self.storage = storage
    self.journal = journal
  }

  func ask(for number: UInt32, into buffer: SegmentBuffer?) { state.update { $0 = .wanted(number, buffer) } }

  /// Waits for what was asked for.
  func take() -> Segment? {
    state.wait { state in
      guard case .done(let segment) = state else { return nil }
      state = .idle
      return .some(segment)
    }
  }

  func stop() { state.update { $0 = .stopped } }

  /// The body of its thread.
  func run() {
    while let (number, buffer) = next() {
      let segment = load(number, into: buffer)
      state.update { state in
        if case .reading = state { state = .done(segment) }
      }
    }
  }

  private func next() -> (UInt32, SegmentBuffer?)? {
    state.wait { state -> (UInt32, SegmentBuffer?)?? in
      switch state {
      case .wanted(let number, let buffer):
        state = .reading
        return .some((number, buffer))
      case .stopped: return .some(nil)
      case .idle, .reading, .done: return nil
      }
    }
  }

  private func load(_ number: UInt32, into buffer: SegmentBuffer?) -> Segment? {
    let path = Segment.path(shard: journal.shard, segment: number)
    do {
      let file = try storage.open(path)
      guard try file.size() == journal.segmentBytes else { return nil }
      let memory = try buffer ?? SegmentBuffer(SegmentMemory(bytes: journal.segmentBytes))
      let segment = Segment(number: number, path: path, file: file, buffer: memory)
      for piece in segment.pieces {
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: segment.bytes[piece]), at: piece.lowerBound)
      }
      return segment
    } catch {
      return nil
    }
  }
}
