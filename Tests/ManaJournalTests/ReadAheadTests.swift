import SystemPackage
import Testing

@testable import ManaJournal

/// Segments that other threads read ahead: the journal is the same, and so is what is wrong with it.
@Suite struct ReadAheadTests {
  private static func written() throws -> SimulatedStorage {
    let bench = try JournalBench()
    _ = RetentionTests.write(bench, blocks: 100, seed: 11)
    bench.close()
    return bench.storage
  }

  @Test(arguments: [nil, 0, 2 * RetentionTests.segmentBytes], [false, true])
  func findsTheSame(residentBytesMax: Int?, usesCheckpoints: Bool) throws {
    let bench = try JournalBench()
    _ = RetentionTests.write(bench, blocks: 60, seed: 12)
    if usesCheckpoints { _ = try bench.foldCheckpoint() }
    _ = RetentionTests.write(bench, blocks: 60, seed: 13)
    bench.close()
    let one = try JournalBench(
      bench.storage.copied(), residentBytesMax: residentBytesMax, usesCheckpoints: usesCheckpoints)
    let other = try JournalBench(
      bench.storage.copied(), residentBytesMax: residentBytesMax, usesCheckpoints: usesCheckpoints, readsAhead: true)
    #expect(other.fold == one.fold && other.bodies == one.bodies && other.fold == bench.fold)
    #expect(other.journal.position == one.journal.position)
    #expect(other.journal.statistics.segments == one.journal.statistics.segments)
    // It goes on.
    var generator = SeededGenerator(seed: 14)
    for _ in 0..<30 { other.commit(records: 90, using: &generator) }
    let again = try JournalBench(other.storage.copied(), readsAhead: true)
    #expect(again.bodies == other.durableBodies)
  }

  struct Damage: CustomTestStringConvertible {
    let testDescription: String
    let apply: (SimulatedStorage) -> Void

    init(_ name: String, _ apply: @escaping (SimulatedStorage) -> Void) {
      testDescription = name
      self.apply = apply
    }
  }

  private static func path(_ number: UInt32) -> String { Segment.path(shard: 0, segment: number) }

  @Test func whatIsWrongIsNamedAsBefore() throws {
    let damages = [
      Damage("the first is missing") { $0.erase(Self.path(0)) },
      Damage("one is missing") { $0.erase(Self.path(3)) },
      Damage("one is too short") { storage in
        let bytes = Array(storage.contents(of: Self.path(4)).dropLast(512))
        storage.erase(Self.path(4))
        storage.add(Self.path(4), bytes)
      },
      Damage("one cannot be read") { $0.unreadable[Self.path(2)] = [7] },
      Damage("a bit is flipped") { $0.flip(Self.path(3), bit: 8 * 20_000) },
      Damage("two things are wrong") { storage in
        storage.flip(Self.path(2), bit: 8 * 20_000)
        storage.erase(Self.path(3))
      },
    ]
    let written = try Self.written()
    for damage in damages {
      let messages = [false, true].map { readsAhead in
        let storage = written.copied()
        damage.apply(storage)
        do {
          _ = try JournalBench(storage, readsAhead: readsAhead)
          return "opened"
        } catch {
          return "\(error)"
        }
      }
      #expect(messages[0] == messages[1] && messages[0] != "opened", "\(damage.testDescription)")
    }
  }
}
