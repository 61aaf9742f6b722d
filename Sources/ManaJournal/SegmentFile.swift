import SystemPackage

/// Makes the files of segments.
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
