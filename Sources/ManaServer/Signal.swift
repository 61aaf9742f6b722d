/// The signals that end a server, by their POSIX numbers, which are the same wherever it runs.
enum Signal {
  static let interrupt: Int32 = 2
  static let terminate: Int32 = 15
}
