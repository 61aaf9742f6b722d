#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes a line to standard output at once, although it may be a pipe: who starts the server waits for it.
func writeLine(_ text: String) throws {
  print(text)
  guard fflush(nil) == 0 else { throw CannotWrite() }
}

struct CannotWrite: Error, CustomStringConvertible {
  let description = "standard output cannot be written to"
}
