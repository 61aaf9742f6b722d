import SystemPackage

/// Lines on their way to a file, written in large pieces.
struct OutputBuffer {
  private let descriptor: FileDescriptor
  private var text = ""
  private static let bytesMax = 64 << 10

  init(_ descriptor: FileDescriptor = .standardOutput) { self.descriptor = descriptor }

  mutating func write(_ line: String) throws {
    text += line
    text += "\n"
    if text.utf8.count >= Self.bytesMax { try flush() }
  }

  mutating func flush() throws {
    _ = try descriptor.writeAll(text.utf8)
    text = ""
  }
}
