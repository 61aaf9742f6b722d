/// The steps of the threads behind a journal that was opened without them (`DataDirectory.recoverJournal`), one at a
/// time and on the caller's thread: what a simulation puts in any order, and between which it lets the power fail.
extension Journal {
  /// Writes and syncs the next sealed block; false when none waits.
  package func stepWriter() -> Bool { writer.step() }

  /// Does the next thing for the spare segments; false when there was nothing to do, no room or a failure.
  package func stepPreparer() -> Bool { preparer.hasWork && preparer.step() }

  /// Reads the next block back that is wanted; false when none is.
  package func stepReader() -> Bool { archive?.reader.step() ?? false }

  /// Whether a block is to be read back.
  package var hasWorkForReader: Bool { archive?.reader.hasWork ?? false }

  /// Whether a block waits for the writer.
  package var hasWorkForWriter: Bool { writer.hasWork }

  /// Whether there is anything to do for the spare segments.
  package var hasWorkForPreparer: Bool { preparer.hasWork }
}
