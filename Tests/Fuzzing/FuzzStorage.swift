@testable import ManaJournal
import SystemPackage

/// A disk with one segment in memory, just enough for a recovery.
final class FuzzStorage: Storage {
  private let file: FuzzFile

  init(file: FuzzFile) { self.file = file }

  func describe(_ path: String) -> String { path }

  func names(in directory: String) throws(Errno) -> [String] {
    [Segment.path(shard: 0, segment: 0)].map { String($0.dropFirst(directory.count + 1)) }
  }

  func open(_ path: String) throws(Errno) -> any StorageFile { file }
  func syncDirectory(_ path: String) throws(Errno) {}
  func unsuitableFileSystem() throws(Errno) -> String? { nil }

  // A recovery of one whole segment makes, renames and removes nothing.
  func makeDirectory(_ path: String) throws(Errno) { throw .notSupported }
  func create(_ path: String) throws(Errno) -> any StorageFile { throw .notSupported }
  func rename(_ source: String, to target: String) throws(Errno) { throw .notSupported }
  func link(_ source: String, to target: String) throws(Errno) { throw .notSupported }
  func remove(_ path: String) throws(Errno) { throw .notSupported }
  func lock(_ path: String) throws(Errno) -> LockOutcome { throw .notSupported }
}

/// Its bytes.
final class FuzzFile: StorageFile, @unchecked Sendable {
  // Unchecked: one thread feeds.
  let bytes: UnsafeMutableRawBufferPointer

  init(_ beginning: UnsafeRawBufferPointer, bytes count: Int) {
    bytes = .allocate(byteCount: count, alignment: JournalLimits.blockAlignment)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: beginning.prefix(count)))
  }

  deinit { bytes.deallocate() }

  func size() throws(Errno) -> Int { bytes.count }
  func reserve(bytes: Int) throws(Errno) -> Bool { false }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) {
    guard offset + buffer.count <= bytes.count else { throw .noData }
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + buffer.count]))
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
    UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + buffer.count]).copyMemory(from: buffer)
  }

  func sync() throws(Errno) {}
}
