#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file of transactions, opened: read once to check it and once to post it.
struct PostFile: ~Copyable {
  /// What messages call it.
  let name: String
  private let descriptor: CInt
  /// Size and time of the last change when it was opened.
  private let version: Version

  private struct Version: Equatable {
    var bytes: Int
    var seconds: Int
    var nanoseconds: Int
  }

  /// Opens the file at `path`, or with `-` standard input. What cannot be read twice (standard input, a pipe) is first
  /// copied to a temporary file that has no name.
  init(opening path: String) throws(PostFileError) {
    let opened = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .unreadable(systemMessage(errno)) }
    let (rereadable, status) = try Self.rereadable(opened)
    name = path == "-" ? "standard input" : path
    descriptor = rereadable
    version = Self.version(status)
  }

  /// Takes over a descriptor, and gives back one that can be read from any place, and its state.
  private static func rereadable(_ opened: CInt) throws(PostFileError) -> (CInt, stat) {
    var descriptor = opened
    do throws(PostFileError) {
      var status = try status(of: opened)
      if status.st_mode & S_IFMT == S_IFDIR { throw .unreadable(systemMessage(EISDIR)) }
      // A redirected standard input may be a regular file, but not from its first byte on.
      if status.st_mode & S_IFMT != S_IFREG || lseek(opened, 0, SEEK_CUR) != 0 {
        descriptor = try spool(opened)
        close(opened)
        status = try self.status(of: descriptor)
      }
      return (descriptor, status)
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// The file's length in bytes.
  var bytes: Int { version.bytes }

  /// Reads the whole file and checks every line. Linear, in constant memory.
  ///
  /// - Parameter progress: is told now and then how many bytes are done.
  func validate(progress: (Int) -> Void = { _ in }) throws(PostFileError) -> PostFileContent {
    let format = try detectFormat()
    var reader = try PostLineReader(descriptor: descriptor, format: format, digesting: true)
    var lines = 0
    while try reader.next() != nil {
      lines += 1
      if lines % 65_536 == 0 { progress(reader.position) }
    }
    try checkUnchanged()
    return PostFileContent(
      format: format, lines: lines, derivation: IDDerivation(fileDigest: reader.finishDigest()))
  }

  /// Reads the lines again, from the first.
  func lines(of content: PostFileContent) throws(PostFileError) -> PostLineReader {
    try PostLineReader(descriptor: descriptor, format: content.format, digesting: false)
  }

  /// Throws `changed` when the file is no longer the one that was opened: its lines would get other ids.
  func checkUnchanged() throws(PostFileError) {
    guard Self.version(try Self.status(of: descriptor)) == version else { throw .changed }
  }

  /// An object or not: the header of a CSV file cannot begin with a brace.
  private func detectFormat() throws(PostFileError) -> PostFormat {
    var reader = RecordReader(descriptor: descriptor, hasQuotedLineBreaks: false, digesting: false)
    guard let first = try reader.next() else {
      throw .malformed(line: 1, column: 1, reason: "the file is empty; its first line names the columns")
    }
    let start = first.bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    return start == UInt8(ascii: "{") ? .jsonLines : .csv
  }

  private static func status(of descriptor: CInt) throws(PostFileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(systemMessage(errno)) }
    return status
  }

  private static func version(_ status: stat) -> Version {
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return Version(bytes: Int(status.st_size), seconds: Int(time.tv_sec), nanoseconds: Int(time.tv_nsec))
  }

  /// Copies everything that `source` gives to a temporary file, which vanishes with its descriptor.
  private static func spool(_ source: CInt) throws(PostFileError) -> CInt {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array("\(folder)/mana-post-XXXXXX".utf8CString)
    let target = mkstemp(&path)
    guard target >= 0 else { throw .unreadable("a temporary file in \(folder): \(systemMessage(errno))") }
    unlink(&path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    do throws(PostFileError) {
      while true {
        let count = read(source, buffer.baseAddress!, buffer.count)
        if count == 0 { return target }
        if count < 0 {
          if errno == EINTR { continue }
          throw .unreadable(systemMessage(errno))
        }
        try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target)
      }
    } catch {
      close(target)
      throw error
    }
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to target: CInt) throws(PostFileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(target, rest.base.baseAddress! + rest.startIndex, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .unreadable("copying it to a temporary file: \(systemMessage(errno))")
      }
      rest = rest.dropFirst(count)
    }
  }
}

/// How a file says what to post.
enum PostFormat: Sendable {
  case csv
  case jsonLines
}

/// What validating a file found out.
struct PostFileContent: Sendable {
  let format: PostFormat
  /// Number of transactions.
  let lines: Int
  let derivation: IDDerivation
}
