import CLinux
import Glibc

extension System {
  /// A new, empty directory of ours below `parent`.
  static func makeTemporaryDirectory(below parent: String) throws(BenchError) -> String {
    var template = Array("\(parent)/mana-bench-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .system(call: "make a directory in \(parent)", code: errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func makeDirectory(_ path: String) throws(BenchError) {
    guard mkdir(path, 0o755) == 0 else { throw .system(call: "make \(path)", code: errno) }
  }

  /// Removes a directory and all that is in it, and waits until the disk is done with it, so that the next measurement
  /// does not pay for it.
  static func removeTree(_ path: String) {
    remove(path)
    sync()
  }

  /// A link is removed, not followed.
  private static func remove(_ path: String) {
    if unlink(path) == 0 { return }
    for name in names(in: path) { remove(path + "/" + name) }
    rmdir(path)
  }

  static func removeFile(_ path: String) { unlink(path) }

  /// All of a file as text; nil when it cannot be read.
  static func text(of path: String) -> String? { bytes(of: path).map { String(decoding: $0, as: UTF8.self) } }

  /// All of a file; nil when it cannot be read.
  static func bytes(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      guard count > 0 else { return bytes }
      bytes += chunk.prefix(count)
    }
  }

  static func writeFile(_ path: String, _ text: String) throws(BenchError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(call: "write \(path)", code: errno) }
    write(text, to: descriptor)
    close(descriptor)
  }

  /// A file of zeros that takes no room yet.
  static func makeSparseFile(_ path: String, bytes: Int) throws(BenchError) {
    try writeFile(path, "")
    guard truncate(path, bytes) == 0 else { throw .system(call: "truncate \(path)", code: errno) }
  }

  /// Makes the ext4 that is mounted there lose what it has not flushed, and fail from then on.
  static func shutDownFileSystem(_ path: String) throws(BenchError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open \(path)", code: errno) }
    defer { close(descriptor) }
    guard mana_shut_down_file_system(descriptor) == 0 else {
      throw .system(call: "shut down the file system at \(path)", code: errno)
    }
  }

  static func rename(_ path: String, to other: String) throws(BenchError) {
    guard Glibc.rename(path, other) == 0 else { throw .system(call: "rename \(path)", code: errno) }
  }

  /// The names in a directory, in order.
  static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Writes `blockBytes` after `blockBytes` past the page cache, each synchronised before the next, over and over into a
  /// file that was written before. Returns how long each took, in nanoseconds, in order.
  static func timeDirectWrites(
    _ count: Int, of blockBytes: Int, file: String, fileBytes: Int
  ) throws(BenchError) -> [UInt64] {
    let descriptor = open(file, O_RDWR | O_CREAT | MANA_O_DIRECT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(call: "open \(file) past the page cache", code: errno) }
    defer { close(descriptor) }
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: fileBytes, alignment: 4_096)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0x5A, count: fileBytes)
    guard pwrite(descriptor, buffer, fileBytes, 0) == fileBytes, fdatasync(descriptor) == 0 else {
      throw .system(call: "write \(file)", code: errno)
    }
    var times: [UInt64] = []
    for index in 0..<count {
      let began = now()
      let offset = index * blockBytes % fileBytes
      guard pwrite(descriptor, buffer, blockBytes, offset) == blockBytes, fdatasync(descriptor) == 0 else {
        throw .system(call: "write \(file)", code: errno)
      }
      times.append(now() - began)
      if interrupted { throw .interrupted }
    }
    return times
  }
}

extension System {
  /// Populates that much new memory, a huge page at a time, and gives it back. Returns how long the populating took, in
  /// nanoseconds; nil where the kernel cannot do it.
  static func timeNewMemory(bytes: Int) throws(BenchError) -> UInt64? {
    let (huge, flags) = (2 << 20, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
    guard let base = mmap(nil, bytes + huge, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED else {
      throw .system(call: "map \(bytes) bytes", code: errno)
    }
    defer { munmap(base, bytes + huge) }
    let first = base + (huge - Int(bitPattern: base) % huge) % huge
    madvise(first, bytes, MANA_MADV_HUGEPAGE)
    let began = now()
    for offset in stride(from: 0, to: bytes, by: huge) {
      guard madvise(first + offset, min(huge, bytes - offset), MANA_MADV_POPULATE_WRITE) == 0 else { return nil }
      if interrupted { throw .interrupted }
    }
    return now() - began
  }

  /// Length of a file; 0 when there is none.
  static func fileBytes(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Length of a file without the zeros at its end.
  static func usedBytes(_ path: String) -> Int {
    guard let bytes = bytes(of: path) else { return 0 }
    return bytes.withUnsafeBytes { buffer in
      var end = buffer.count
      while end > 0, buffer[end - 1] == 0 { end -= 1 }
      return end
    }
  }
}
