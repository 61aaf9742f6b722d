import ArgumentParser
import ManaJournal
import ManaServer
import SystemPackage

/// Where and how the ledger is kept.
struct StorageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the journal lives; created when absent. (default: ./mana-data)", valueName: "directory"))
  var dataDirectory: String?

  @Option(
    help: ArgumentHelp(
      "Number of shards, 1 to 256, each with its own thread. Fixed when the directory is created; 1 for a new one.",
      valueName: "number"))
  var shards: String?

  @Option(
    help: ArgumentHelp(
      "Size of a journal segment, a power of two. Fixed when the directory is created; 33554432 for a new one.",
      valueName: "bytes"))
  var segmentBytes: String?

  @Option(
    help: ArgumentHelp(
      """
      Memory for the history, shared by all shards; older transactions are read from the disk when they are needed. \
      Without it all of the history stays in memory.
      """, valueName: "bytes"))
  var residentMemory: String?

  @Option(
    help: ArgumentHelp(
      """
      How many bytes a shard's journal grows by between two checkpoints, at least; a start executes about so many again. \
      0 makes none and begins with none. (default: 4294967296)
      """, valueName: "bytes"))
  var checkpointBytes: String?

  private static let checkpointRange = JournalLimits.segmentBytesMin...1 << 50

  @Flag(
    inversion: .prefixedNo,
    help: "Accept a file system on which a sync reaches no disk (tmpfs, network). For experiments only.")
  var allowUnsuitableFileSystem: Bool?

  func apply(_ settings: inout Settings, to configuration: inout ServerConfiguration) throws {
    configuration.dataDirectory = FilePath(
      try settings.text("data-directory", flag: dataDirectory, default: configuration.dataDirectory.string))
    configuration.shards = try settings.number("shards", flag: shards, in: 1...256)
    configuration.segmentBytes = try settings.number(
      "segment-bytes", flag: segmentBytes, in: JournalLimits.segmentBytesMin...JournalLimits.segmentBytesMax,
      article: "a power of two from "
    ) { $0 & ($0 - 1) == 0 }
    configuration.residentBytesMax = try settings.number(
      "resident-memory", flag: residentMemory, in: JournalLimits.segmentBytesMin...1 << 50, unit: "bytes")
    configuration.checkpointBytes = try settings.value(
      "checkpoint-bytes", flag: checkpointBytes, kind: .number,
      range: "0 or \(Self.checkpointRange.lowerBound) to \(Self.checkpointRange.upperBound) bytes",
      default: (configuration.checkpointBytes, shown: "\(configuration.checkpointBytes)")
    ) { text in
      guard let number = Int(text), number == 0 || Self.checkpointRange.contains(number) else { return nil }
      return number
    }
    configuration.allowUnsuitableFileSystem = try settings.truth(
      "allow-unsuitable-file-system", flag: allowUnsuitableFileSystem)
  }
}
