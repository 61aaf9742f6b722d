import Glibc

/// A small file of text: read whole, and replaced whole, so that a reader sees the old one or the new one, and so does
/// whoever starts after a power cut.
struct WholeFile {
  private static let bytesMax = 1 << 20

  let path: String

  /// Reads it; nil when there is none. Refuses one that others may write.
  func read() throws(CredentialsError) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("open")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("examine") }
    guard status.st_mode & 0o022 == 0 else {
      throw .file(path: path, problem: "others may write it; chmod 600 it, and look at what stands in it")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= Self.bytesMax else { throw .file(path: path, problem: "larger than a megabyte") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .file(path: path, problem: "it is not UTF-8")
    }
    return text
  }

  /// Puts `text` in its place and on the disk. After a failure the file is the old one or the new one, never less.
  func replace(with text: String) throws(CredentialsError) {
    let bytes = Array(text.utf8)
    let temporary = path + ".temporary"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create") }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("write") }
      written += count
    }
    guard fsync(descriptor) == 0 else { throw failure("sync") }
    guard rename(temporary, path) == 0 else { throw failure("replace") }
    let folder = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failure("sync the directory of") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw failure("sync the directory of") }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// What the system said about the call that just failed.
  func failure(_ operation: String) -> CredentialsError {
    .file(path: path, problem: "cannot \(operation) it: \(String(cString: strerror(errno)))")
  }
}
