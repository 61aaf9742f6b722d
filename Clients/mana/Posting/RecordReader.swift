#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads a file record by record through one buffer, whatever the file's length.
///
/// A record is a line, or several when line breaks lie between quotes (RFC 4180): it is complete at the first line
/// break that an even number of quotes precedes.
struct RecordReader: ~Copyable {
  /// Bytes read from the system at a time, and the buffer's size.
  static let bufferBytes = 1 << 20

  /// Longest record in bytes: two texts of 255 bytes, escaped and quoted, fit many times over.
  static let recordBytesMax = 1 << 16

  /// One record, without its line break. The bytes may be overwritten, and are valid until the next one is read.
  struct Record {
    var bytes: UnsafeMutableRawBufferPointer
    /// Number of its first line, from 1.
    var line: Int
    /// Position of its first byte in the file.
    var position: Int
  }

  private let descriptor: CInt
  private let hasQuotedLineBreaks: Bool
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
  /// What is read and not yet handed out: `buffer[start..<end]`.
  private var start = 0
  private var end = 0
  /// Position in the file of `buffer[0]`.
  private var bufferPosition = 0
  private var line = 1
  private var isAtEnd = false
  /// Sees each byte once, in order, before anybody can overwrite it.
  private var digest: SHA256?

  /// Reads from the beginning of `descriptor`, which stays the caller's. With `digesting`, ``finishDigest()`` tells the
  /// content's digest once everything was read.
  init(descriptor: CInt, hasQuotedLineBreaks: Bool, digesting: Bool) {
    self.descriptor = descriptor
    self.hasQuotedLineBreaks = hasQuotedLineBreaks
    digest = digesting ? SHA256() : nil
  }

  deinit { buffer.deallocate() }

  /// The next record that is not an empty line; nil at the end of the file.
  mutating func next() throws(PostFileError) -> Record? {
    while let record = try nextLine() {
      if !record.bytes.isEmpty { return record }
    }
    return nil
  }

  /// The digest of the whole file. Call it after ``next()`` has returned nil, once.
  consuming func finishDigest() -> SHA256.Digest? {
    precondition(isAtEnd, "a digest of a part of the file")
    return digest.take()?.finish()
  }

  private mutating func nextLine() throws(PostFileError) -> Record? {
    var searched = 0
    var quotes = 0
    var lineBreaks = 0
    while true {
      if let length = lineBreakOffset(from: start + searched).map({ $0 - start }) {
        if hasQuotedLineBreaks {
          quotes += countQuotes(from: start + searched, to: start + length)
          if quotes % 2 != 0 {
            searched = length + 1
            lineBreaks += 1
            try checkLength(searched)
            continue
          }
        }
        return try take(length, lineBreakBytes: 1, lineBreaks: lineBreaks + 1)
      }
      if hasQuotedLineBreaks { quotes += countQuotes(from: start + searched, to: end) }
      searched = end - start
      try checkLength(searched)
      if isAtEnd {
        guard searched > 0 else { return nil }
        return try take(searched, lineBreakBytes: 0, lineBreaks: lineBreaks + 1)
      }
      try fill()
    }
  }

  private mutating func take(_ length: Int, lineBreakBytes: Int, lineBreaks: Int) throws(PostFileError) -> Record {
    try checkLength(length)
    var count = length
    if count > 0, buffer[start + count - 1] == UInt8(ascii: "\r") { count -= 1 }
    let record = Record(
      bytes: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + count)]), line: line,
      position: bufferPosition + start)
    start += length + lineBreakBytes
    line += lineBreaks
    return record
  }

  private func checkLength(_ length: Int) throws(PostFileError) {
    guard length <= Self.recordBytesMax else {
      throw .malformed(
        line: line, column: 1,
        reason: "longer than \(Self.recordBytesMax) bytes: is a quote or a line break missing?")
    }
  }

  /// Moves what is left to the front and reads more behind it.
  private mutating func fill() throws(PostFileError) {
    if start > 0 {
      buffer.baseAddress!.copyMemory(from: buffer.baseAddress! + start, byteCount: end - start)
      bufferPosition += start
      end -= start
      start = 0
    }
    var count = 0
    repeat {
      count = pread(descriptor, buffer.baseAddress! + end, buffer.count - end, off_t(bufferPosition + end))
    } while count < 0 && errno == EINTR
    guard count >= 0 else { throw .unreadable(systemMessage(errno)) }
    isAtEnd = count == 0
    digest?.update(UnsafeRawBufferPointer(rebasing: buffer[end..<(end + count)]))
    if bufferPosition == 0, end == 0, count >= 3, buffer.prefix(3).elementsEqual([0xEF, 0xBB, 0xBF]) {
      // A byte order mark, as spreadsheets write it, says nothing about the first column's name.
      start = 3
    }
    end += count
  }

  private func lineBreakOffset(from offset: Int) -> Int? {
    guard offset < end, let found = memchr(buffer.baseAddress! + offset, CInt(UInt8(ascii: "\n")), end - offset)
    else { return nil }
    return found - buffer.baseAddress!
  }

  private func countQuotes(from first: Int, to last: Int) -> Int {
    var count = 0
    var offset = first
    while offset < last, let found = memchr(buffer.baseAddress! + offset, CInt(UInt8(ascii: "\"")), last - offset) {
      count += 1
      offset = found - buffer.baseAddress! + 1
    }
    return count
  }
}

/// What the system says about an `errno`.
func systemMessage(_ code: CInt) -> String { String(cString: strerror(code)) }
