/// A text with places for what is measured, such as the README. A place begins with the line `<!-- measured: NAME -->`
/// and ends with `<!-- end -->`.
enum Document {
  /// The text with `content` in its place; nil when there is no such place.
  static func placing(_ content: String, at name: String, in text: String) -> String? {
    var lines: [Substring] = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let begin = lines.firstIndex(of: "<!-- measured: \(name) -->"),
      let end = lines[begin...].firstIndex(of: "<!-- end -->")
    else { return nil }
    lines.replaceSubrange(begin + 1..<end, with: content.split(separator: "\n", omittingEmptySubsequences: false))
    return lines.joined(separator: "\n")
  }

  /// Writes `content` into its place in a file, which is replaced as a whole.
  static func place(_ content: String, at name: String, inFile path: String) throws(BenchError) {
    guard let text = System.text(of: path) else {
      throw .missing(program: path, advice: "--into takes a file that exists.")
    }
    guard let changed = placing(content, at: name, in: text) else {
      throw .missing(
        program: "a place in \(path)",
        advice: "It needs a line <!-- measured: \(name) --> and, below it, a line <!-- end -->.")
    }
    try System.writeFile(path + ".part", changed)
    try System.rename(path + ".part", to: path)
  }
}
