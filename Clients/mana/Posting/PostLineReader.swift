/// Reads the transactions of a file one by one, in constant memory.
struct PostLineReader: ~Copyable {
  private var records: RecordReader
  /// Nil in a JSON Lines file, which has no header.
  private let csv: CSVParser?
  /// Bytes of the file up to the last record.
  private(set) var position = 0

  /// Begins at the start of `descriptor`, and reads the header when the format has one.
  init(descriptor: CInt, format: PostFormat, digesting: Bool) throws(PostFileError) {
    records = RecordReader(descriptor: descriptor, hasQuotedLineBreaks: format == .csv, digesting: digesting)
    switch format {
    case .jsonLines: csv = nil
    case .csv:
      guard let header = try records.next() else {
        throw .malformed(line: 1, column: 1, reason: "the file is empty; its first line names the columns")
      }
      do throws(RecordError) {
        csv = try CSVParser(header: header.bytes)
      } catch {
        throw Self.malformed(header, error)
      }
    }
  }

  /// The next transaction; nil at the end. Its texts are valid until the next call.
  mutating func next() throws(PostFileError) -> PostLine? {
    guard let record = try records.next() else { return nil }
    position = record.position
    do throws(RecordError) {
      let fields =
        if let csv { try csv.parse(record.bytes) } else { try JSONLinesParser.parse(record.bytes) }
      var line = try PostLine(fields)
      line.line = record.line
      return line
    } catch {
      throw Self.malformed(record, error)
    }
  }

  /// The digest of the file's content. Call it once, after ``next()`` has returned nil, of a reader that digests.
  consuming func finishDigest() -> SHA256.Digest {
    guard let digest = records.finishDigest() else { preconditionFailure("this reader does not digest") }
    return digest
  }

  /// Turns an offset in a record into line and column, counting the line breaks that the record has before it.
  private static func malformed(_ record: RecordReader.Record, _ error: RecordError) -> PostFileError {
    var line = record.line
    var column = 1
    for byte in record.bytes.prefix(error.offset) {
      column += 1
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      }
    }
    return .malformed(line: line, column: column, reason: error.reason)
  }
}
