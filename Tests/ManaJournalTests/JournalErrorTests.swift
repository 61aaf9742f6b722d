import SystemPackage
import Testing

@testable import ManaJournal

/// What an operator reads: what is wrong, where, and what to do. One line an error.
@Suite struct JournalErrorTests {
  @Test(
    arguments: [
      (.notADataDirectory(directory: "/d", file: "x"), ["/d is not a data directory", "holds x", "empty or absent"]),
      (.noLedger(directory: "/d"), ["no ledger in /d", "Name a server's data directory"]),
      (.targetNotEmpty(directory: "/d"), ["/d is not empty", "nothing was changed"]),
      (.identityDamaged(file: "/d/ledger", reason: "its magic is wrong"), ["/d/ledger is damaged: its magic is wrong"]),
      (.unsupportedVersion(file: "/d/f", found: 7, supported: 1), ["/d/f has format version 7", "knows version 1"]),
      (.locked(directory: "/d", processID: 9), ["/d is in use by process 9"]),
      (.locked(directory: "/d", processID: nil), ["/d is in use by another process"]),
      (.unsuitableFileSystem(directory: "/d", name: "tmpfs"), ["/d is on tmpfs", "on a local disk"]),
      (.shardCountDiffers(directory: "/d", existing: 2, asked: 3), ["made with 2 shards", "opened with 3"]),
      (.invalidOption(reason: "A ledger has shards."), ["A ledger has shards."]),
      (.shardMissing(directory: "/d/shard-001"), ["/d/shard-001 of an existing ledger is missing"]),
      (
        .damaged(JournalDamage(file: "/d/f", block: 4, byte: 512, reason: "torn")),
        ["/d/f, block 4, byte 512: torn.", "mana-server verify", "mana-server salvage"]
      ),
      (
        .digestMismatch(file: "/d/f", block: 4, byte: 512, recorded: 255, computed: 16),
        ["/d/f, block 4, byte 512", "digest 0x10 where 0xff is recorded"]
      ),
      (.epochsExhausted(directory: "/d"), ["/d says", "4294967295 starts"]),
      (
        .checkpointNotWritten(file: "/d/c", reason: "its head"),
        ["/d/c is not what was written: its head", "check the disk"]
      ),
      (.replayRefused(block: 4, reason: "no account"), ["Block 4 cannot be executed again: no account"]),
      (.system(operation: "open", file: "/d/f", code: .permissionDenied), ["Cannot open /d/f: Permission denied."]),
    ] as [(JournalError, [String])])
  func itSaysWhatAndWhere(error: JournalError, parts: [String]) {
    for part in parts { #expect("\(error)".contains(part), "\(error)") }
    #expect("\(error)".hasSuffix("."))
  }

  @Test func aCheckpointThatIsPassedOver() {
    #expect("\(CheckpointProblem(file: "/d/c", reason: "its head is damaged"))" == "/d/c: its head is damaged")
  }

  @Test func whatWasCancelled() {
    #expect(JournalError.system(operation: "finish", file: "f", code: .canceled).isCancellation)
    #expect(!JournalError.system(operation: "finish", file: "f", code: .ioError).isCancellation)
    #expect(!JournalError.noLedger(directory: "/d").isCancellation)
  }
}
